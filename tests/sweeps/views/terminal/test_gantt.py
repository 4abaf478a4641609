"""A small chart, letter by letter."""

from cluster.policy.policy import PolicyJob
from cluster.policy.simulate import Machines, Span
from sweeps.views.terminal.gantt import WIDTH, draw_gantt


def span(key: str, slots: tuple[int, ...], start: float, end: float) -> Span:
    job = PolicyJob(key=key, gang=len(slots) > 1, slots=len(slots), priority=0, since=0.0)
    return Span(job=job, node="node 0", slots=slots, start=start, end=end, outcome="done")


def test_every_slot_has_a_line_and_every_job_its_letters() -> None:
    spans = [span("a", (0, 1), 0.0, 6.0), span("b", (0,), 6.0, 12.0), span("c", (1,), 9.0, 9.01)]
    lines = draw_gantt(spans, Machines(nodes=1, slots=2).free(), {"a": "train", "b": "eval", "c": "quantize"})
    half, quarter = WIDTH // 2, WIDTH // 4
    assert lines == [
        f"node 0.0 {'t' * half}{'e' * half}",
        f"node 0.1 {'t' * half}{'·' * quarter}q{'·' * (quarter - 1)}",
        f"         0{' ' * (WIDTH - 5)}12 s",
        "         t train, e eval, q quantize, · idle",
    ]


def test_of_a_large_cluster_some_slots_are_shown() -> None:
    spans = [span("a", (0,), 0.0, 1.0)]
    lines = draw_gantt(spans, Machines(nodes=100, slots=8).free(), {"a": "train"})
    assert len(lines) == 34
    assert lines[-1].endswith("32 of 800 slots are shown")
    assert {len(line) for line in lines[:-1]} == {len("node 00.0 ") + WIDTH}
