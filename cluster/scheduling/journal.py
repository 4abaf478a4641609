"""What tasks tell, written down in the order in which it came, before anything follows from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cluster.policy.retry import failed_since, judge
from cluster.scheduling.expect import KNOWN_FROM, MARGIN, Expectations
from cluster.scheduling.node_health import NodeHealth
from cluster.scheduling.state.contents import Contents
from cluster.scheduling.state.held import Held
from cluster.scheduling.state.running import Running, outputs_of
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress, Shard
from jobs.files import FileStore, Unreadable
from jobs.store import LostClaim, Store, StoreAway

WRITES_PER_SECOND = 50.0
"""Writes of progress, over all running jobs; results are written at once."""


class Journal:
    """Writes down what becomes of running jobs; raises what the store and the file store do."""

    def __init__(
        self,
        store: Store,
        files: FileStore,
        contents: Contents,
        held: Held,
        nodes: NodeHealth,
        expect: Expectations,
        ticks: Callable[[], float],
    ) -> None:
        self._store, self._files, self._contents, self._held = store, files, contents, held
        self._nodes, self._expect, self._ticks = nodes, expect, ticks

    def hear(self, task_id: str, event: Event) -> None:
        """A task tells something; one that was given up is not listened to."""
        running = self._held.running.get(task_id.partition("/")[0])
        if running is not None and task_id in running.open_tasks:
            running.hear(task_id, self._ticks())
            with self._while_ours(running):
                self._write(running, task_id, event)

    def finish(self, running: Running, last: Finished) -> None:
        """Put the results of a job's tasks together and write its success down."""
        with self._while_ours(running):
            try:
                self._finish(running, last)
            except Unreadable as gone:  # a shard of an earlier attempt: only that is scored again
                self._store.lose_content(gone.digest)
                self._fail(running, Failed(failure=Failure.LOST, reason=str(gone)))

    def _finish(self, running: Running, last: Finished) -> None:
        outputs, peak = outputs_of(running, last, self._files)
        seconds = self._ticks() - running.started
        self._store.finish(running.key, running.attempt, outputs, seconds=seconds, peak_bytes=peak)
        self._discard(running.checkpoint or running.record.checkpoint)
        self._expect.learn(running.record.order, seconds)
        self._nodes.succeeded(running.placement.node)
        self._held.resting.forget(running.placement)
        self._held.forget(running)

    def fail(self, running: Running, event: Failed) -> None:
        """End all of a job's tasks, and let the rules decide what follows."""
        with self._while_ours(running):
            self._fail(running, event)

    @contextmanager
    def _while_ours(self, running: Running) -> Iterator[None]:
        """Let go of a job that turns out to be somebody else's by now, or cancelled."""
        try:
            yield
        except LostClaim:
            self._held.drop(running)

    def _fail(self, running: Running, event: Failed) -> None:
        self._held.end_tasks(running)
        earlier = failed_since(self._store.attempts(running.key), running.record.attempts_before_request)
        verdict = judge(event.failure, [failure for _, failure in earlier])
        self._store.fail(
            running.key,
            running.attempt,
            f"{event.failure}: {event.reason}",
            counted=verdict.counted,
            final=verdict.final,
            log=event.log or running.log,
            failure=event.failure,
        )
        self._held.forget(running)
        self._nodes.failed(running.placement.node, running.key, event)
        if event.failure == Failure.UNFIT:
            self._held.resting.begin(running.placement, self._ticks())

    def _write(self, running: Running, task_id: str, event: Event) -> None:
        key, attempt = running.key, running.attempt
        match event:
            case Progress():
                running.fractions[task_id] = event.fraction
                if event.log is not None:
                    running.log, running.log_is_new = event.log, True
                if self._ticks() - running.written >= len(self._held.running) / WRITES_PER_SECOND:
                    running.written = self._ticks()
                    log = running.log if running.log_is_new else None
                    self._store.progress(key, attempt, running.fraction, event.note, log)
                    running.log_is_new = False
                    self._expect_more(running)
            case Checkpoint():
                digest = self._files.put(event.content)
                replaced = self._store.put_checkpoint(key, attempt, digest)
                running.checkpoint = digest
                self._discard(replaced)
            case Shard():
                digest = self._files.put(event.content)
                self._store.put_shard(key, attempt, event.index, digest)
                running.shards[event.index] = digest
            case Finished():
                if running.open_tasks == {task_id}:
                    self.finish(running, event)
                else:
                    running.open_tasks.discard(task_id)
                    running.fractions[task_id] = 1.0
                    running.finished.append(event)
            case Failed():
                self.fail(running, event)

    def _discard(self, checkpoint: str | None) -> None:
        """Delete a checkpoint that a later one, or the result, has replaced: a long training would fill the disk."""
        if checkpoint is not None:
            with suppress(StoreAway):  # nobody refers to it: "golfsweep gc" finds it
                self._contents.delete(checkpoint)

    def _expect_more(self, running: Running) -> None:
        """Set aside what a job will take by its own pace, where nothing was known before."""
        if running.expected is None and running.fraction >= KNOWN_FROM:
            spent = self._ticks() - running.started
            running.expected = MARGIN * spent / running.fraction
            hours = len(running.placement.slots) * running.expected / 3600
            self._store.reserve(running.key, running.attempt, hours)
