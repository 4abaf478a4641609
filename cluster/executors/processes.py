"""A node's processes: those of a gang carry a mark by which all of them are found, whatever session they are in.

torchrun gives each rank a session of its own, so neither a process group nor a parent names them all; an environment
variable does, since children inherit it. Before slots are used, whoever still bears their mark is ended, and a GPU on
which somebody else computes is refused.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker

import psutil
import torch

from jobs.machine import stopping
from jobs.program import GANG_VARIABLE

MARK = GANG_VARIABLE
END_SECONDS = 10.0
GPU_SECONDS = 10.0
"""Time in which the driver frees a dead process's GPU memory."""
POLL_SECONDS = 0.05
IDLE_LOOK_SECONDS = 5.0
"""Looking at all processes of a machine takes a while of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Whose a process is: the node as its cluster names it, the slots, and the task."""

    node: str
    slots: tuple[int, ...]
    task: str

    def __str__(self) -> str:
        return "|".join([self.node, ",".join(map(str, self.slots)), self.task])

    @classmethod
    def parse(cls, text: str) -> "Mark":
        node, slots, task = text.split("|")
        return cls(node=node, slots=tuple(int(slot) for slot in slots.split(",") if slot), task=task)


@contextmanager
def deaf_to(*signals: signal.Signals) -> Iterator[None]:
    """Start processes that do not notice some signals; this process gets those afterwards that arrive meanwhile.

    Ctrl-C and the end of a terminal signal all processes of a command at once, but only the first may decide what
    follows: it stops the others when it has written down where they are.
    """
    resource_tracker.ensure_running()  # multiprocessing's first start of a process starts it, too, and unblocks signals
    with stopping.postponed():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def marked(belongs: Callable[[Mark], bool]) -> list[int]:
    """Processes of this machine whose mark answers to a description; those of other users are not seen."""
    pids = []
    for process in psutil.process_iter():
        try:
            text = process.environ().get(MARK)
            if text is not None and belongs(Mark.parse(text)):
                pids.append(process.pid)
        except (psutil.Error, OSError, ValueError):  # it has just ended, is another user's, or bears a foreign mark
            continue
    return pids


class Idleness:
    """How long some processes have hardly used a processor; they are looked at only while they show nothing else."""

    def __init__(self, belongs: Callable[[Mark], bool], launchers: Collection[int], share: float) -> None:
        """Watch them.

        Args:
            belongs: which marks they bear.
            launchers: those among them that only wait for the others, and do not count.
            share: of one processor; all of them together are idle if they use less.
        """
        self._belongs, self._launchers, self._share = belongs, frozenset(launchers), share
        self._looked = self._since = time.monotonic()
        self._used: float | None = None

    def seconds(self, quiet: float) -> float:
        """How long they have been idle, now that they have shown nothing for so long."""
        now = time.monotonic()
        if quiet < IDLE_LOOK_SECONDS:
            self._used = None
            return 0.0
        if self._used is None or now - self._looked >= IDLE_LOOK_SECONDS:
            workers = _with_descendants(set(marked(self._belongs)) - self._launchers)
            used = sum(map(_processor_seconds, workers))
            if not workers or self._used is None or used - self._used > self._share * (now - self._looked):
                self._since = now
            self._used, self._looked = used, now
        return self._looked - self._since


def end_marked(belongs: Callable[[Mark], bool]) -> list[int]:
    """Kill all processes that answer to a description, and wait until they are gone; returns whom it had to kill.

    Raises:
        TimeoutError: one of them does not die (it waits in the kernel for a device or a disk).
    """
    killed: set[int] = set()
    until = time.monotonic() + END_SECONDS
    while living := [pid for pid in marked(belongs) if not _is_zombie(pid)]:
        if time.monotonic() > until:
            raise TimeoutError(f"processes {living} of an ended gang cannot be killed")
        for pid in living:
            killed.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(POLL_SECONDS)
    return sorted(killed)


def command_line(pid: int) -> list[str]:
    """The words of a process's command line; none of one that has just ended."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def clear(node: str, slots: Sequence[int]) -> None:
    """Make sure that nothing of an earlier gang is left on slots, and that nobody else uses their GPUs.

    Raises:
        TimeoutError: something is, and cannot be ended by us.
    """
    end_marked(lambda mark: mark.node == node and bool(set(mark.slots) & set(slots)))
    if not torch.cuda.is_available():
        return
    until = time.monotonic() + GPU_SECONDS
    while strangers := foreign_processes(visible_gpus()):
        if time.monotonic() > until:
            slot, pid = strangers[0]
            raise TimeoutError(f"GPU {slot} is in use by process {pid} ({_command(pid)}), which is not ours")
        time.sleep(1.0)


def visible_gpus() -> set[str]:
    """The GPUs that this process may use, by index or UUID; a slot's number is not its GPU's, which Ray chooses."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return {name.strip() for name in named if name.strip()}


def foreign_processes(gpus: Collection[str]) -> list[tuple[int, int]]:
    """GPU and process of everybody who computes on some GPUs of this machine, this process and its children aside.

    GPUs are named by index or UUID. In a container only processes that are seen from within it count.
    """
    by_uuid = {uuid: int(index) for index, uuid in _nvidia_smi("--query-gpu=index,uuid")}
    busy = [(by_uuid[uuid], int(pid)) for pid, uuid in _nvidia_smi("--query-compute-apps=pid,gpu_uuid")]
    wanted = {index for uuid, index in by_uuid.items() if {uuid, str(index)} & set(gpus)}
    return [(gpu, pid) for gpu, pid in busy if gpu in wanted and psutil.pid_exists(pid) and not _ours(pid)]


def _nvidia_smi(query: str) -> list[tuple[str, str]]:
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(", ") for line in done.stdout.splitlines()]
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def _ours(pid: int) -> bool:
    """Whether a process is this one or descends from it."""
    try:
        process = psutil.Process(pid)
        return os.getpid() in [pid, *(parent.pid for parent in process.parents())]
    except psutil.Error:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return True


def _with_descendants(pids: Collection[int]) -> set[int]:
    """Some processes and those that come from them, which may have lost their mark with their environment."""
    family = set(pids)
    for pid in pids:
        with suppress(psutil.Error):
            family |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return family


def _processor_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    except psutil.Error:
        return 0.0


def _command(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "gone"
