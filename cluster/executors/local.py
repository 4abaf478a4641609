"""The executor without Ray: this machine's slots, one warm process each, and a gang's launcher beside them."""

import contextlib
import hashlib
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from cluster.executor import Node, Opening, Task, Unplaceable
from cluster.executors.processes import deaf_to, end_marked
from cluster.executors.worker import run_task
from golf.processes import end_with_parent
from jobs.events import Event, Failed, Failure, Finished
from jobs.machine import environment
from jobs.machine.host import identity

END_SECONDS = 10.0


def local_slots(widest: int) -> int:
    """Slots of this machine: its GPUs, or without any its cores, at least as many as the widest job needs.

    A slot without a GPU is only a process with one thread, so a gang wider than the cores is slow but right.
    """
    return torch.cuda.device_count() or max(os.cpu_count() or 1, widest)


def devices(slots: Sequence[int], visible: str | None, gpus: int) -> str:
    """The CUDA_VISIBLE_DEVICES of a worker on some slots.

    Args:
        slots: numbers of the slots.
        visible: the variable as this process has it: slots are the devices that it names, and no others.
        gpus: how many there are; without any, a slot is a share of the cores, and sees none.
    """
    names = visible.split(",") if visible else [str(number) for number in range(gpus)]
    return ",".join(names[slot].strip() for slot in slots) if gpus else ""


def machine_cluster() -> str:
    """The name of this machine as a cluster: whoever runs jobs on its slots is its only scheduler."""
    return f"machine {identity()}"


def open_local(opening: Opening) -> "LocalExecutor":
    """Use the slots of this machine for one home's jobs."""
    return LocalExecutor(local_slots(opening.widest), hashlib.sha256(str(opening.home).encode()).hexdigest()[:16])


class LocalExecutor:
    """Runs tasks in processes of this machine, as the Ray executor does on the nodes of a cluster."""

    def __init__(self, slots: int, name: str = "local") -> None:
        """Use so many slots. `name` distinguishes this home's gangs from those of other homes on this machine."""
        self._node = Node(name=name, host=socket.gethostname(), slots=slots, machine=environment.machine())
        self._context = multiprocessing.get_context("spawn")
        self._idle: dict[tuple[int, ...], _Worker] = {}
        self._busy: dict[str, _Worker] = {}

    def nodes(self) -> list[Node]:
        return [self._node]

    @property
    def cluster(self) -> str:
        return machine_cluster()

    def start(self, task: Task) -> None:
        if task.stage.is_gang:
            for slots in [slots for slots, worker in self._idle.items() if worker.evaluates & set(task.slots)]:
                self._idle.pop(slots).end()  # workers end when their slots turn to a gang
        worker = self._busy[task.id] = self._worker(task.slots)
        if not task.stage.is_gang:
            worker.evaluates = set(task.slots)
        worker.begin(task)

    def _worker(self, slots: tuple[int, ...]) -> "_Worker":
        """The slots' warm worker, or a new worker if there is none or it was killed while it waited."""
        if worker := self._idle.pop(slots, None):
            if worker.lives:
                return worker
            worker.end()
        try:
            return _Worker(self._context, slots)
        except OSError as error:  # no memory or process number for it, or it died before it could import anything
            raise Unplaceable(f"no worker can be started: {error}") from None

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        events: list[tuple[str, Event]] = []
        by_pipe = {worker.pipe: task_id for task_id, worker in self._busy.items()}
        if not by_pipe:
            time.sleep(timeout)
        for pipe in wait(list(by_pipe), timeout) if by_pipe else []:
            assert isinstance(pipe, Connection)
            task_id = by_pipe[pipe]
            try:
                event: Event = pipe.recv()
            except (EOFError, ConnectionResetError):
                event = self._busy.pop(task_id).post_mortem()
            else:
                if isinstance(event, Finished | Failed):
                    worker = self._busy.pop(task_id)
                    self._idle[worker.slots] = worker
            events.append((task_id, event))
        return events

    def cancel(self, task_id: str) -> None:
        if worker := self._busy.pop(task_id, None):
            worker.end()
            with contextlib.suppress(TimeoutError):  # it waits for its device; the next task on these slots is refused
                end_marked(lambda mark: mark.task == task_id)

    def close(self) -> None:
        for task_id in list(self._busy):
            self.cancel(task_id)
        for worker in self._idle.values():
            worker.end()
        self._idle.clear()


class _Worker:
    """One process that runs task after task."""

    def __init__(self, context: multiprocessing.context.SpawnContext, slots: tuple[int, ...]) -> None:
        self.slots = slots
        self.evaluates: set[int] = set()
        """Slots whose devices it holds on to between tasks; a gang's launcher holds none."""
        self.pipe, theirs = context.Pipe()
        self._oom_kills = 0
        visible = devices(slots, os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count())
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, visible, os.getpid()))
        with deaf_to(signal.SIGINT, signal.SIGHUP):
            self._process.start()
        theirs.close()

    @property
    def lives(self) -> bool:
        return self._process.is_alive()

    def begin(self, task: Task) -> None:
        """Send it a task. If it dies before or after it has read the task, its pipe closes, and `poll` notices."""
        self._oom_kills = environment.oom_kills()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(task)

    def post_mortem(self) -> Failed:
        """What a process died of that has closed its end of the pipe."""
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        self.end()
        if code in (-signal.SIGKILL, -signal.SIGTERM, None):
            if environment.oom_kills() > self._oom_kills:
                return Failed(failure=Failure.HOST_MEMORY, reason="the kernel killed its worker: out of memory")
            return Failed(failure=Failure.LOST, reason=f"its worker was ended from outside (exit code {code})")
        return Failed(failure=Failure.CRASH, reason=f"its worker's process ended by itself (exit code {code})")

    def end(self) -> None:
        """End the process at once, and by it a gang that it launched: the kernel ends torchrun and the ranks, too."""
        self.pipe.close()
        self._process.kill()
        self._process.join(END_SECONDS)


def _serve(pipe: Connection, visible: str, parent: int) -> None:
    """Run tasks from a pipe until the pipe closes or the parent process ends."""
    end_with_parent()  # the scheduler may die without a word
    if os.getppid() != parent:  # it did while this process imported: its first task waits in the pipe, and its slots
        return  # belong to the next scheduler by now
    os.environ["CUDA_VISIBLE_DEVICES"] = visible
    torch.set_num_threads(environment.CPU_THREADS)
    while True:
        try:
            task: Task = pipe.recv()
            for event in run_task(task):
                pipe.send(event)
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the scheduler is gone
            return
