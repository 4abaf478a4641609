"""Launching any program as a gang: started, watched through its folder, and ended with all of its processes.

A gang is one process a slot under torchrun, or one command that uses all slots. `jobs.stages.program.Program` says what
it runs and how to read what it leaves.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import golf.processes
from cluster.executors.processes import MARK, Mark, command_line, end_marked, marked
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress
from jobs.failures import classify_exit, crash_signal
from jobs.machine.environment import oom_kills
from jobs.stages.program import LOG, Program

POLL_SECONDS = 0.2
END_SECONDS = 5.0
"""Time that torchrun gets to end its ranks before it is killed; they die with it."""
STACK_SECONDS = 1.0
"""Time that the ranks of a gang that hangs get to print their stacks."""
FULL_BYTES = 2**20
"""A disk with less left than this is why a gang could not even say why it failed."""
LOG_LINES = 40
TAIL_BYTES = 2**15
"""Where the last lines of a log are looked for."""
LOG_ENCODING = "utf-8:backslashreplace"
"""Of what a gang prints, whatever the locale of its node."""
TORCHRUN = "torch.distributed.run"


class Gang:
    """One gang in the care of the thread that iterates over its events; it dies with that thread."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        slots: int,
        checkpoint: bytes | None,
        mark: Mark,
        silence_seconds: float,
    ) -> None:
        """Prepare its folder.

        Args:
            program: what it runs.
            folder: where its files appear; beside it lie those of the job's earlier attempts, by number.
            slots: ranks under torchrun.
            checkpoint: the content from which it goes on.
            mark: what identifies its processes.
            silence_seconds: how long it may show no advance.
        """
        self._program, self._folder, self._slots, self._mark = program, folder, slots, mark
        self._silence = silence_seconds
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in [path for path in folder.parent.iterdir() if path.name.isdecimal()]:  # killed, it could not
            self._drop_large_files(earlier)
        program.prepare(folder, checkpoint)
        self._sent = self._checkpoint_stamp()
        self._logged = self._stamp(LOG)
        self._oom_kills = oom_kills()

    def events(self) -> Iterator[Event]:
        """Start the gang and yield what it does until it ends; ends all of it when the iteration is given up."""
        with (self._folder / LOG).open("ab") as log:
            process = self._start(log)
            try:
                silent = yield from self._watch(process)
            finally:
                end(process)
                ended = time.monotonic()
                immortal = self._end_ranks()
        if process.returncode != 0 and (stamp := self._checkpoint_stamp()) != self._sent and stamp is not None:
            yield Checkpoint(content=self._program.pack_checkpoint(self._folder))
        last: Finished | Failed
        if silent is not None:
            reason = f"no {self._program.advance} for {silent:.0f} s"
            last = Failed(failure=Failure.HANG, reason=reason, log=_tail(self._folder / LOG))
        elif process.returncode == 0:
            last = self._program.finish(self._folder, ended)
        else:
            last = self._failed(process.returncode)
        self._drop_large_files(self._folder)
        yield replace(last, reason=f"{last.reason}; {immortal}") if immortal and isinstance(last, Failed) else last

    def _start(self, log: Any) -> "subprocess.Popen[bytes]":
        python = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": LOG_ENCODING}
        environment = {**os.environ, **python, **self._program.environment(), MARK: str(self._mark)}
        return subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=self._folder if self._program.runs_in_folder else None,
            preexec_fn=golf.processes.end_with_parent,
        )

    def _command(self) -> list[str]:
        command = list(self._program.command(self._folder))
        if not self._program.uses_torchrun:
            return command
        torchrun = [sys.executable, "-m", TORCHRUN, "--standalone", "--nnodes=1"]
        torchrun += [f"--nproc-per-node={self._slots}", "--max-restarts=0", "--monitor-interval=0.1"]
        return [*torchrun, golf.processes.__file__, TORCHRUN, *command]

    def _watch(self, process: "subprocess.Popen[bytes]") -> Generator[Event, None, float | None]:
        """Yield every advance until the gang ends; returns the seconds without any where it hangs, else None."""
        file = self._program.advance_file
        started, advanced = self._stamp(file), time.monotonic()
        before = started
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            if (stamp := self._stamp(file)) != before:
                before, advanced = stamp, time.monotonic()
            fraction, note = self._program.progress(self._folder)
            yield Progress(fraction=fraction, note=note, log=self._new_log())
            if (stamp := self._checkpoint_stamp()) != self._sent:
                self._sent, advanced = stamp, time.monotonic()
                yield Checkpoint(content=self._program.pack_checkpoint(self._folder))
            limit = max(self._silence, self._program.start_seconds) if before == started else self._silence
            if time.monotonic() - advanced > limit:
                self._print_stacks()
                return limit
        return None

    def _print_stacks(self) -> None:
        """Have the ranks print where they stand, if they can; others would only end."""
        if self._program.stack_word is None:
            return
        for pid in marked(lambda mark: mark.task == self._mark.task):
            words = command_line(pid)
            if self._program.stack_word in words and TORCHRUN not in words:  # torchrun names its ranks' command, too
                os.kill(pid, signal.SIGUSR1)
        time.sleep(STACK_SECONDS)

    def _end_ranks(self) -> str:
        """End what the launched process has left; says what cannot be ended, which the next task there refuses."""
        try:
            end_marked(lambda mark: mark.task == self._mark.task)
        except TimeoutError as error:
            return str(error)
        return ""

    def _stamp(self, name: str) -> int | None:
        try:
            return (self._folder / name).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _checkpoint_stamp(self) -> int | None:
        return None if self._program.checkpoint_file is None else self._stamp(self._program.checkpoint_file)

    def _new_log(self) -> str | None:
        """The last lines of the log if it has grown; they leave the node now, since it may not be there at the end."""
        if (stamp := self._stamp(LOG)) == self._logged:
            return None
        self._logged = stamp
        return _tail(self._folder / LOG)

    def _failed(self, code: int) -> Failed:
        path = self._folder / LOG
        log = path.read_text(encoding="utf-8", errors="replace")
        try:
            errors = self._program.errors(self._folder)
        except (OSError, ValueError):
            errors = []
        failure, reason = classify_exit(log, oom_kills=oom_kills() - self._oom_kills)
        if failure == Failure.CRASH and code < 0:
            failure, reason = self._ended_by(-code)
        # Ranks that lost a connection report only that. The cause is what ended the rank at its other end.
        unknown = failure == Failure.CRASH and crash_signal(log) is None
        if errors and (errors[0][0] != Failure.COLLECTIVE or unknown):
            failure, reason = errors[0]
        if failure == Failure.CRASH and shutil.disk_usage(self._folder).free < FULL_BYTES:
            failure, reason = Failure.DISK_FULL, f"{self._folder}: no space left"
        return Failed(failure=failure, reason=reason if reason else f"exit code {code}", log=_tail(path))

    def _ended_by(self, number: int) -> tuple[Failure, str]:
        """What it means that a signal ended the launched process itself."""
        what = "torchrun" if self._program.uses_torchrun else "its process"
        if number not in (signal.SIGKILL, signal.SIGTERM):
            return Failure.CRASH, f"{what} died of signal {number}"
        if number == signal.SIGKILL and not self._program.uses_torchrun and oom_kills() > self._oom_kills:
            return Failure.HOST_MEMORY, "the kernel killed its process because the node ran out of memory"
        return Failure.LOST, f"{what} was ended from outside (signal {number})"

    def _drop_large_files(self, folder: Path) -> None:
        """Remove what has left in an event of its own; what explains the attempt stays."""
        for name in self._program.large_files:
            (folder / name).unlink(missing_ok=True)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the launched process and with it every rank; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(path: Path) -> str:
    """The last lines of a log."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_LINES:])
