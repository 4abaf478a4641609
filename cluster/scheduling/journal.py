"""Events of running tasks, written to the store in the order in which they came, before anything follows from them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cluster.policy.retry import failed_since, judge
from cluster.scheduling.expectations import KNOWN_FROM, MARGIN, Expectations
from cluster.scheduling.node_health import NodeHealth
from cluster.scheduling.state.contents import Contents
from cluster.scheduling.state.in_flight import InFlight
from cluster.scheduling.state.running import Running, outputs_of
from jobs.errors import Forbidden, LostClaim, StoreUnavailable, Unreadable
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress, Shard
from jobs.store import Store

_log = logging.getLogger(__name__)
NOT_READY_SECONDS = 600.0
"""For which a sweep is left to other clusters where no node of this one has what it needs, such as its data."""
WRITES_PER_SECOND = 50.0
"""Writes of progress, over all running jobs; results are written at once."""


class EventWriter:
    """Writes what running jobs report to the store; raises what the store and the file store raise."""

    def __init__(
        self,
        store: Store,
        contents: Contents,
        in_flight: InFlight,
        nodes: NodeHealth,
        expect: Expectations,
        ticks: Callable[[], float],
        scheduler: str,
    ) -> None:
        self._store, self._contents, self._in_flight = store, contents, in_flight
        self._nodes, self._expect, self._ticks, self._scheduler = nodes, expect, ticks, scheduler

    def write(self, task_id: str, event: Event, at: float) -> None:
        """Write an event of a task that came at some time; events of tasks that were ended are ignored."""
        running = self._in_flight.running.get(task_id.partition("/")[0])
        if running is not None and task_id in running.open_tasks:
            running.note_report(task_id, at)
            with self._while_ours(running):
                self._write(running, task_id, event, at)

    def finish(self, running: Running, last: Finished, at: float) -> None:
        """Merge the results of a job's tasks, the last of which came at some time, and write that it is done."""
        with self._while_ours(running):
            try:
                self._finish(running, last, at)
            except Forbidden as error:
                raise StoreUnavailable(str(error)) from None
            except Unreadable as error:  # a shard of an earlier attempt: only that one is scored again
                self._store.lose_content(error.digest)
                self._contents.discard_damaged(error.digest)
                self._fail(running, Failed(failure=Failure.LOST, reason=str(error)), at)

    def _finish(self, running: Running, last: Finished, at: float) -> None:
        outputs, peak_bytes = outputs_of(running, last, self._contents)
        seconds, sizes = at - running.started, self._contents.sizes_of(outputs)
        checkpoint = self._store.finish(
            running.key, running.attempt, outputs, seconds=seconds, peak_bytes=peak_bytes, sizes=sizes
        )
        self._contents.forget_sizes(sizes)
        self._discard(checkpoint)
        self._expect.learn(running.record.order, seconds)
        self._nodes.succeeded(running.placement.node)
        self._in_flight.placing.ended_well(running.placement)
        self._in_flight.forget(running, processes_live=True)

    def fail(self, running: Running, event: Failed, at: float) -> None:
        """End all tasks of a job that failed at some time, and let the retry rules decide what follows."""
        with self._while_ours(running):
            self._fail(running, event, at)

    @contextmanager
    def _while_ours(self, running: Running) -> Iterator[None]:
        """Drop a job that another scheduler has taken over, or that was cancelled."""
        try:
            yield
        except LostClaim:
            self._in_flight.drop(running)

    def _fail(self, running: Running, event: Failed, at: float) -> None:
        self._in_flight.end_tasks(running)
        earlier = failed_since(self._store.attempts(running.key), running.record.attempts_before_request)
        verdict = judge(event.failure, [failure for _, failure in earlier])
        final = verdict.final or (verdict.counted and bool(event.outputs))  # another attempt would leave the same
        if event.failure == Failure.NOT_READY:  # what one node lacks says nothing of those that were not tried
            tried = {node for node, _ in earlier} | {running.placement.node}
            others_here = self._in_flight.placing.has_others(running.record, tried)
            final = final and not others_here
            if not others_here and self._has_other_clusters():
                final = False
                self._in_flight.leave_alone(running.sweep, NOT_READY_SECONDS)
                _log.warning(
                    "%s: left to other machines for %.0f minutes: %s",
                    running.sweep,
                    NOT_READY_SECONDS / 60,
                    event.reason,
                )
        outputs: dict[str, Any] = {}
        if final:
            outputs = {**event.outputs, **{name: self._contents.put(content) for name, content in event.files.items()}}
        sizes = self._contents.sizes_of(outputs)
        self._store.fail(
            running.key,
            running.attempt,
            f"{event.failure}: {event.reason}",
            counted=verdict.counted,
            final=final,
            log=event.log or running.log,
            failure=event.failure,
            seconds=at - running.started,
            outputs=outputs,
            sizes=sizes,
        )
        self._contents.forget_sizes(sizes)
        self._in_flight.forget(running, processes_live=False)
        self._nodes.failed(running.placement.node, running.key, event)
        if event.failure == Failure.UNFIT:
            self._in_flight.placing.rest_slots(running.placement, self._ticks())

    def _has_other_clusters(self) -> bool:
        """Whether another scheduler is alive, whose nodes may have what those here lack."""
        return any(scheduler.name != self._scheduler for scheduler in self._store.live_schedulers())

    def _write(self, running: Running, task_id: str, event: Event, at: float) -> None:
        key, attempt = running.key, running.attempt
        match event:
            case Progress(steps_per_second=float() as rate) if slow := self._nodes.too_slow(
                running.placement.node, running.record.order.job, rate
            ):
                self.fail(running, Failed(failure=Failure.UNFIT, reason=slow), at)
            case Progress():
                running.fractions[task_id] = event.fraction
                if event.log is not None:
                    running.log, running.log_is_new = event.log, True
                if self._ticks() - running.written >= len(self._in_flight.running) / WRITES_PER_SECOND:
                    running.written = self._ticks()
                    log = running.log if running.log_is_new else None
                    self._store.progress(key, attempt, running.fraction, event.note, log)
                    running.log_is_new = False
                    self._expect_more(running)
            case Checkpoint():
                digest = self._contents.put(event.content)
                replaced = self._store.put_checkpoint(key, attempt, digest, len(event.content))
                self._contents.forget_sizes([digest])
                self._discard(replaced)
            case Shard():
                digest = self._contents.put(event.content)
                self._store.put_shard(key, attempt, event.index, digest, len(event.content))
                self._contents.forget_sizes([digest])
                running.shards[event.index] = digest
            case Finished():
                if running.open_tasks == {task_id}:
                    self.finish(running, event, at)
                else:
                    running.open_tasks.discard(task_id)
                    running.fractions[task_id] = 1.0
                    running.finished.append(event)
            case Failed():
                self.fail(running, event, at)

    def _discard(self, checkpoint: str | None) -> None:
        """Delete a checkpoint that a later one, or the result, has replaced: a long training would fill the disk."""
        if checkpoint is not None:
            with suppress(StoreUnavailable):  # nothing refers to it any more: "golfsweep gc" removes it
                self._contents.delete(checkpoint)

    def _expect_more(self, running: Running) -> None:
        """Reserve what a job will need at its own pace, where its duration was unknown before."""
        if running.expected is None and running.fraction >= KNOWN_FROM:
            seconds = MARGIN * (self._ticks() - running.started) / running.fraction
            self._in_flight.expect(running, seconds)
            self._store.reserve(running.key, running.attempt, len(running.placement.slots) * seconds / 3600)
