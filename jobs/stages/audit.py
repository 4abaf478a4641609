"""audit: a confirmed recipe's scorer is judged from outside, on the artifacts of its seeds.

The first seed's artifact has the whole budget. Each further one has a quarter of it: the scorer is the same, so that a
short audit, whose cheap probes come first, is to show only whether another artifact changes what it does.
"""

from collections.abc import Iterator, Mapping, Sequence

from jobs.events import Event
from jobs.spec import Order
from jobs.stages.request import DocumentSet, Request, Subject, document_settings, text_inputs, text_places
from jobs.stages.stage import Source, WorkerStage, WorkSizes

SHORT_SHARE = 0.25
"""Share of the budget that the audit of a further seed's artifact has."""
AUDITED = 512
"""Validation documents that an audit may choose from."""
OVERLAP_TOKENS = 2**27
"""Training tokens among which validation text is looked for: some minutes of a core."""


class Audit(WorkerStage):
    """Judges how a recipe's evaluation scores validation documents, within so many seconds."""

    __slots__ = ()

    def request(self, subject: Subject) -> Request:
        documents, data = DocumentSet(split="val", count=AUDITED), subject.data
        return Request(
            settings={
                "eval": subject.recipe["eval"],
                "documents": document_settings(documents, data),
                "seconds": subject.options["audit"]["seconds"] * (SHORT_SHARE if subject.further else 1),
            },
            inputs={**subject.inputs, **text_inputs(documents, data), "training": data.train_digest},
            places={**text_places(data), "training": str(data.tokens)},
            awaited=False,
        )

    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        from jobs.stages.work.audit import run_audit

        return run_audit(order, inputs)

    def time_limit(self, order: Order) -> float | None:
        return float(order.job.settings["seconds"])

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """An audit looks at as many places as its seconds allow."""
        return float(order.job.settings["seconds"])


AUDIT = Audit(
    name="audit",
    version=4,
    reads={"artifact": Source(stage="quantize", output="artifact")},
    contents=("certificate",),
    sections=("eval",),
    per_entry=True,
    on_further_seeds=True,
    clocks=("audit_seconds",),
)
