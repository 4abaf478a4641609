"""Launching any program as a gang: started, watched through its folder, and ended with all of its processes.

A gang is one process a slot under torchrun, or one command that uses all slots. `jobs.program.Program` says what
it runs and how to read what it leaves.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import golf.processes
from cluster.executors.output import Output
from cluster.executors.processes import MARK, Idleness, Mark, command_line, end_marked, marked
from golf.errors import InputError
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress
from jobs.failures import classify_exit, crash_signal
from jobs.machine.environment import oom_kills
from jobs.program import LOG, Complete, GangEnd, GangPace, Program, modified

POLL_SECONDS = 0.2
END_SECONDS = 5.0
"""Time that torchrun gets to end its ranks before it is killed; they die with it."""
STACK_SECONDS = 1.0
"""Time that the ranks of a gang that hangs get to print their stacks."""
IDLE_SHARE = 0.05
"""A rank that uses less of a processor than this is idle."""
FULL_BYTES = 2**20
"""A disk with less left than this is why a gang could not even say why it failed."""
LOG_LINES = 40
TAIL_BYTES = 2**15
"""Where the last lines of a log are looked for."""
LOG_ENCODING = "utf-8:backslashreplace"
"""Of what a gang prints, whatever the locale of its node."""
TORCHRUN = "torch.distributed.run"
WITHOUT_PACKAGES = ("-I", "-S")
"""Options of an interpreter that only becomes a rank's: nothing that is installed in it is imported for that."""


class Gang:
    """One gang in the care of the thread that iterates over its events; it dies with that thread."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        slots: int,
        inputs: Mapping[str, bytes],
        mark: Mark,
        silence_seconds: float,
    ) -> None:
        """Prepare its folder.

        Args:
            program: what it runs.
            folder: where its files appear; beside it lie those of the job's earlier attempts, by number.
            slots: ranks under torchrun.
            inputs: contents by name: what earlier stages made, and the checkpoint from which it goes on.
            mark: what identifies its processes.
            silence_seconds: how long it may show no advance, unless the program says so.
        """
        self._program, self._folder, self._slots, self._mark = program, folder, slots, mark
        self._silence = silence_seconds if program.silence_seconds is None else program.silence_seconds
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in [path for path in folder.parent.iterdir() if path.name.isdecimal()]:  # killed, it could not
            program.clean(earlier)
        program.prepare(folder, inputs)
        self._sent = self._checkpoint_stamp()
        self._logged = modified(folder / LOG)
        self._oom_kills = oom_kills()
        self._advanced = time.monotonic()

    def events(self) -> Iterator[Event]:
        """Start the gang and yield what it does until it ends; ends all of it when the iteration is given up."""
        output = Output(self._folder / LOG)
        try:
            process = self._start(output)
        except BaseException:
            output.abandon()
            raise
        output.start()
        try:
            stopped = yield from self._watch(process, output)
        finally:
            end(process)
            at = time.monotonic()
            left, immortal = self._end_ranks()
        for content in output.rest():
            self._program.take_output(content)
        if process.returncode != 0 and (stamp := self._checkpoint_stamp()) != self._sent and stamp is not None:
            yield Checkpoint(content=self._program.pack_checkpoint(self._folder))
        last: Finished | Failed
        if isinstance(stopped, Failed):
            last = stopped
        elif isinstance(stopped, Complete) or process.returncode == 0:
            exited = stopped is None
            outcome = GangEnd(at=at if exited else self._advanced, exited=exited, left=left)
            last = self._program.finish(self._folder, outcome)
        else:
            last = self._failed(process.returncode)
        if isinstance(last, Failed):
            last = self._explained(last, immortal)
        self._program.clean(self._folder)
        yield last

    def _start(self, output: Output) -> "subprocess.Popen[bytes]":
        python = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": LOG_ENCODING}
        environment = self._program.environment(self._folder, {**os.environ, **python})
        return subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=output.write_end,
            env={**environment, MARK: str(self._mark)},
            cwd=self._program.working_folder(self._folder),
            preexec_fn=golf.processes.end_with_parent,
        )

    def _command(self) -> list[str]:
        command = list(self._program.command(self._folder))
        if not self._program.uses_torchrun:
            return command
        python = self._program.python
        torchrun = [python, "-m", TORCHRUN, "--standalone", "--nnodes=1"]
        torchrun += [f"--nproc-per-node={self._slots}", "--max-restarts=0", "--monitor-interval=0.1", "--no-python"]
        return [*torchrun, python, *WITHOUT_PACKAGES, golf.processes.__file__, TORCHRUN, *command]

    def _watch(
        self, process: "subprocess.Popen[bytes]", output: Output
    ) -> Generator[Event, None, Failed | Complete | None]:
        """Yield every advance until the gang ends by itself, or is to be ended; returns why."""
        began = self._advanced = time.monotonic()
        waits = {process.pid} if self._program.uses_torchrun else set()
        idleness = Idleness(lambda mark: mark.task == self._mark.task, waits, IDLE_SHARE * self._slots)
        before = started = self._program.heartbeat(self._folder)
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            for content in output.all_news():
                self._program.take_output(content)
            if (beat := self._program.heartbeat(self._folder)) != before:
                before, self._advanced = beat, time.monotonic()
            fraction, note = self._program.progress(self._folder)
            rate = self._program.steps_per_second(self._folder)
            yield Progress(fraction=fraction, note=note, log=self._new_log(), steps_per_second=rate)
            if (stamp := self._checkpoint_stamp()) != self._sent:
                self._sent, self._advanced = stamp, time.monotonic()
                yield Checkpoint(content=self._program.pack_checkpoint(self._folder))
            quiet = time.monotonic() - self._advanced
            pace = GangPace(seconds=time.monotonic() - began, quiet=quiet, idle=idleness.seconds(quiet))
            if (verdict := self._program.verdict(self._folder, pace)) is not None:
                return verdict
            limit = max(self._silence, self._program.start_seconds) if before == started else self._silence
            if quiet > limit:
                self._print_stacks()
                return Failed(failure=Failure.HANG, reason=f"no {self._program.advance} for {limit:.0f} s")
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

    def _end_ranks(self) -> tuple[int, str]:
        """End what the launched process has left: how many, and what cannot be ended, which the next task refuses."""
        try:
            return len(end_marked(lambda mark: mark.task == self._mark.task)), ""
        except TimeoutError as error:
            return 0, str(error)

    def _checkpoint_stamp(self) -> int | None:
        name = self._program.checkpoint_file
        return None if name is None else modified(self._folder / name)

    def _new_log(self) -> str | None:
        """The last lines of the log if it has grown; they leave the node now, since it may not be there at the end."""
        if (stamp := modified(self._folder / LOG)) == self._logged:
            return None
        self._logged = stamp
        return _tail(self._folder / LOG)

    def _explained(self, failed: Failed, immortal: str) -> Failed:
        """A failure with the last lines of the log, and with what the gang completed before it."""
        try:
            made = self._program.written(self._folder, failed)
        except (OSError, InputError):
            made = Finished(outputs={})
        reason = f"{failed.reason}; {immortal}" if immortal else failed.reason
        return replace(
            failed, reason=reason, log=failed.log or _tail(self._folder / LOG), files=made.files, outputs=made.outputs
        )

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
        return Failed(failure=failure, reason=reason if reason else f"exit code {code}")

    def _ended_by(self, number: int) -> tuple[Failure, str]:
        """What it means that a signal ended the launched process itself."""
        what = "torchrun" if self._program.uses_torchrun else "its process"
        if number not in (signal.SIGKILL, signal.SIGTERM):
            return Failure.CRASH, f"{what} died of signal {number}"
        if number == signal.SIGKILL and not self._program.uses_torchrun and oom_kills() > self._oom_kills:
            return Failure.HOST_MEMORY, "the kernel killed its process because the node ran out of memory"
        return Failure.LOST, f"{what} was ended from outside (signal {number})"


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
