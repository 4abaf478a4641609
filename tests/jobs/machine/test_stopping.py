"""Signals that stop a command; how commands end by them is in tests/sweeps/cli/test_exit_codes.py."""

import subprocess
import sys

PROGRAM = """
import os, signal, time
from jobs.machine import stopping

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

stopping.stop_on_signals()
stopping.raise_if_stopped()
Finalized()
print("dropped", flush=True)
try:
    stopping.raise_if_stopped()
except KeyboardInterrupt:
    print(stopping.reason())
"""


def test_a_signal_whose_exception_python_drops_is_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == ["dropped", "stopped by SIGTERM"]


POSTPONING = """
import os, signal, threading
from jobs.machine import stopping

stopping.stop_on_signals()
try:
    with stopping.postponed():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        other = threading.Thread(target=lambda: (
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]), os.kill(os.getpid(), signal.SIGTERM)
        ))
        other.start()
        other.join()
        for _ in range(1000):
            pass
        print("whole", flush=True)
    print("too far")
except KeyboardInterrupt:
    print(stopping.reason(), flush=True)
with stopping.postponed():
    print("on the way out")
"""


def test_a_signal_that_another_thread_gets_does_not_cut_a_block_in_two() -> None:
    done = subprocess.run([sys.executable, "-c", POSTPONING], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == ["whole", "stopped by SIGTERM", "on the way out"]
