"""A stage of its own: all that a new kind of work needs is this file and a line in the registry."""

from collections.abc import Iterator, Mapping, Sequence

from jobs.events import Event, Finished, Progress
from jobs.spec import Order
from jobs.stages.request import Request, Subject
from jobs.stages.stage import Source, WorkerStage


class Weigh(WorkerStage):
    """Counts how many different bytes an artifact has."""

    __slots__ = ()

    def request(self, subject: Subject) -> Request:
        return Request(settings={"unit": "bytes"}, inputs=subject.inputs, awaited=False)

    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        yield Progress(fraction=0.5, note=f"weighs {order.job.settings['unit']}")
        yield Finished(outputs={"weight": len(set(inputs["artifact"])), "clocks": {"weigh_seconds": 0.25}})


WEIGH = Weigh(
    name="weigh",
    version=1,
    reads={"artifact": Source(stage="quantize", output="artifact")},
    sections=(),
    per_entry=True,
    clocks=("weigh_seconds",),
)
