"""A training gang: torchrun's own launcher with one process a slot, watched through the files of its folder."""

import ctypes
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster.executors.processes import MARK, Mark, end_marked, marked
from golf.files import write_atomically
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress
from jobs.failures import classify_exit, crash_signal
from jobs.machine.environment import oom_kills
from jobs.spec import Order
from jobs.stages.rank import PR_SET_PDEATHSIG, read_errors, write_order
from jobs.stages.run import train_config

POLL_SECONDS = 0.2
END_SECONDS = 5.0
"""Time that torchrun gets to end its ranks before it is killed; they die with it."""
STACK_SECONDS = 1.0
"""Time that the ranks of a gang that hangs get to print where they stand."""
START_SECONDS = 900.0
"""Time that a gang gets for its first step, if that is more than for any other: it imports, loads, compiles, warms up.
"""
FULL_BYTES = 2**20
"""A disk with less left than this is why a gang could not even say why it failed."""
LOG_LINES = 40
TAIL_BYTES = 2**15
"""Where the last lines of a log are looked for."""
CHECKPOINT, TRACE, WEIGHTS, LOG = "checkpoint.safetensors", "metrics.jsonl", "weights.safetensors", "log.txt"
_LIBC = ctypes.CDLL(None)


class Gang:
    """One gang in the care of the thread that iterates over its events; it dies with that thread."""

    def __init__(
        self, order: Order, workdir: Path, checkpoint: bytes | None, mark: Mark, silence_seconds: float
    ) -> None:
        self._order, self._workdir, self._mark, self._silence = order, workdir, mark, silence_seconds
        self._config = train_config(order)
        workdir.mkdir(parents=True, exist_ok=True)
        for earlier in [one for one in workdir.parent.iterdir() if one.name.isdecimal()]:  # killed, it could not
            _drop_large_files(earlier)
        write_order(workdir, order)
        if checkpoint is not None:
            _unpack(checkpoint, workdir)
        self._sent = self._stamp(CHECKPOINT)
        self._logged = self._stamp(LOG)
        self._oom_kills = oom_kills()

    def events(self) -> Iterator[Event]:
        """Start the gang and tell what it does until it ends; ends all of it when the iteration is given up."""
        log_path = self._workdir / LOG
        with log_path.open("ab") as log:
            process = self._start(log)
            try:
                hangs = yield from self._watch(process)
            finally:
                end(process)
                ended = time.time()
                stuck = self._end_ranks()
        if process.returncode != 0 and (stamp := self._stamp(CHECKPOINT)) != self._sent and stamp is not None:
            yield Checkpoint(content=_pack(self._workdir))
        last: Finished | Failed
        if hangs is not None:
            last = Failed(failure=Failure.HANG, reason=f"no step for {hangs:.0f} s", log=_tail(log_path))
        else:
            last = self._finished(ended) if process.returncode == 0 else self._failed(process.returncode, log_path)
        _drop_large_files(self._workdir)
        yield replace(last, reason=f"{last.reason}; {stuck}") if stuck and isinstance(last, Failed) else last

    def _end_ranks(self) -> str:
        """End what torchrun has left; what cannot be ended is told, and refused by the next task on these slots."""
        try:
            end_marked(lambda mark: mark.task == self._mark.task)
        except TimeoutError as error:
            return str(error)
        return ""

    def _watch(self, process: "subprocess.Popen[bytes]") -> Generator[Event, None, float | None]:
        """Tell every advance until the gang ends; seconds without any after which it must hang, if it does."""
        started, advanced = self._stamp(TRACE), time.monotonic()
        trace = started
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            if (stamp := self._stamp(TRACE)) != trace:
                trace, advanced = stamp, time.monotonic()
            yield self._progress()
            if (stamp := self._stamp(CHECKPOINT)) != self._sent:
                self._sent, advanced = stamp, time.monotonic()
                yield Checkpoint(content=_pack(self._workdir))
            limit = max(self._silence, START_SECONDS) if trace == started else self._silence
            if time.monotonic() - advanced > limit:
                for pid in marked(lambda mark: mark.task == self._mark.task):
                    if _is_rank(pid):
                        os.kill(pid, signal.SIGUSR1)
                time.sleep(STACK_SECONDS)
                return limit
        return None

    def _start(self, log: Any) -> "subprocess.Popen[bytes]":
        job = self._order.job
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nnodes=1"]
        command += [f"--nproc-per-node={self._order.slots}", "--max-restarts=0", "--monitor-interval=0.1"]
        command += ["-m", "jobs.stages.rank", str(self._workdir), repr(time.monotonic())]
        environment = {**os.environ, "OMP_NUM_THREADS": str(job.machine.threads), "PYTHONUNBUFFERED": "1"}
        environment[MARK] = str(self._mark)
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=_die_with_parent
        )

    def _stamp(self, name: str) -> int | None:
        try:
            return (self._workdir / name).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _progress(self) -> Progress:
        last, log = _last_line(self._workdir / TRACE), self._new_log()
        if not last:
            return Progress(fraction=0.0, note="starting", log=log)
        limits = (
            (last["step"], self._config.steps),
            (last["train_seconds"], self._config.max_seconds),
        )
        fraction = max((done / limit for done, limit in limits if limit), default=0.0)
        return Progress(fraction=min(1.0, fraction), note=f"step {last['step']}, loss {last['loss']:.3f}", log=log)

    def _new_log(self) -> str | None:
        """The last lines of the log if it has grown; they leave the node now, since it may not be there at the end."""
        if (stamp := self._stamp(LOG)) == self._logged:
            return None
        self._logged = stamp
        return _tail(self._workdir / LOG)

    def _finished(self, ended: float) -> Finished:
        path = self._workdir / "result.json"
        result = json.loads(path.read_text())
        # What came after the result was written belongs to the whole process, too: the ranks' and torchrun's own end.
        for name in ("other_seconds", "process_seconds"):
            result["clocks"][name] += max(0.0, ended - path.stat().st_mtime)
        files = {"weights": WEIGHTS, "metrics": TRACE, "log": LOG}
        contents = {name: (self._workdir / file).read_bytes() for name, file in files.items()}
        last = _last_line(self._workdir / TRACE) or {}
        outputs = {**result, **dict.fromkeys(files)}
        return Finished(outputs=outputs, files=contents, peak_bytes=last.get("peak_memory_bytes"))

    def _failed(self, code: int, log_path: Path) -> Failed:
        log = _tail(log_path)
        whole = log_path.read_text(errors="replace")
        try:
            errors = read_errors(self._workdir)
        except (OSError, ValueError):
            errors = []
        failure, reason = classify_exit(whole, oom_kills=oom_kills() - self._oom_kills)
        if failure == Failure.CRASH and code in (-signal.SIGKILL, -signal.SIGTERM):
            failure, reason = Failure.LOST, f"torchrun was ended from outside (signal {-code})"
        # Ranks that lost the others only tell of it: what ended the one that they miss is the cause.
        unknown = failure == Failure.CRASH and crash_signal(whole) is None
        if errors and (errors[0][0] != Failure.COLLECTIVE or unknown):
            failure, reason = errors[0]
        if failure == Failure.CRASH and shutil.disk_usage(self._workdir).free < FULL_BYTES:
            failure, reason = Failure.DISK_FULL, f"{self._workdir}: no space left"
        return Failed(failure=failure, reason=reason if reason else f"exit code {code}", log=log)


def _pack(workdir: Path) -> bytes:
    """A checkpoint and the trace up to it (and perhaps some lines further, which resuming cuts off) as one content."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        for name in (CHECKPOINT, TRACE):
            archive.writestr(name, (workdir / name).read_bytes())
    return bundle.getvalue()


def _unpack(content: bytes, workdir: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in (CHECKPOINT, TRACE):
            write_atomically(workdir / name, archive.read(name))


def _drop_large_files(folder: Path) -> None:
    """Remove what has been told in an event of its own; what explains the attempt stays."""
    for name in (CHECKPOINT, WEIGHTS):
        (folder / name).unlink(missing_ok=True)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End torchrun and with it every rank; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    """Runs between fork and exec: the kernel is to end torchrun when the thread that started it ends."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _last_line(path: Path) -> Mapping[str, Any] | None:
    """The last complete JSON line of a file that is being written."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    return json.loads(lines[-1]) if lines else None


def _tail(path: Path) -> str:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_LINES:])


def _is_rank(pid: int) -> bool:
    """Whether a process is a rank, not torchrun above it, which a SIGUSR1 would end."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"jobs.stages.rank" in words and b"torch.distributed.run" not in words
