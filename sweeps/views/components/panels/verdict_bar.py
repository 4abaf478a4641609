"""VerdictBar: who leads and by how much, or how two entries differ; the verdict's parts as chips; what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.views.components.panels.copy_command import CopyCommand
from sweeps.views.ranking.measure import BITS_PER_BYTE
from sweeps.views.verdicts.chip import Chip
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.sweep_verdict import SweepVerdict
from sweeps.views.wording import format_p


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictChip:
    """One part of a verdict: an icon and a word in its color, and a clause."""

    template: ClassVar[str] = "panels/verdict_chip.html.j2"
    title: str
    standing: str
    word: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictBar:
    """The verdict on a sweep, or on a pair of entries."""

    template: ClassVar[str] = "panels/verdict_bar.html.j2"
    heading: str
    name: str
    score: str
    gain: str
    """What the leader gains over what; empty where there is nothing to compare with."""
    chips: tuple[VerdictChip, ...]
    next_sentence: str
    next_command: CopyCommand | None


def prepare_verdict_bar(verdict: SweepVerdict) -> VerdictBar:
    """From the one verdict that all commands and pages show."""
    measure, score = verdict.measure, ""
    if verdict.score is not None:
        spread = "" if verdict.std is None else f" ± {measure.show(verdict.std)}"
        score = f"{measure.show(verdict.score)}{spread} {measure.unit} over {measure.count_runs(verdict.n)}"
    gain = "" if verdict.gain is None else f"{measure.describe_gain(verdict.gain)} than {verdict.baseline}"
    return VerdictBar(
        heading="Verdict" if verdict.leader is None else "Best",
        name="No legal entry yet" if verdict.leader is None else verdict.leader,
        score=score,
        gain=f"{gain} ({verdict.baseline_role})" if gain else "",
        chips=show_chips(verdict.chips),
        **show_step(verdict.next),
    )


def show_chips(chips: Sequence[Chip]) -> tuple[VerdictChip, ...]:
    """The parts of a verdict."""
    return tuple(
        VerdictChip(title=chip.title, standing=chip.standing.value, word=chip.word, detail=chip.detail)
        for chip in chips
    )


def prepare_entry_bar(
    entry: Mapping[str, Any], gain: tuple[float | None, str | None, str | None], chips: Sequence[Chip], step: NextStep
) -> VerdictBar:
    """From one entry of a leaderboard: its gain in mBPB, over what and what that is, and what is to be said of it."""
    score, (mbpb, over, role) = "no score", gain
    if entry["val_bpb_mean"] is not None:
        spread = "" if entry["val_bpb_std"] is None else f" ± {BITS_PER_BYTE.show(entry['val_bpb_std'])}"
        runs = BITS_PER_BYTE.count_runs(len(entry["seeds"]))
        score = f"{BITS_PER_BYTE.show(entry['val_bpb_mean'])}{spread} {BITS_PER_BYTE.unit} over {runs}"
    return VerdictBar(
        heading="Entry",
        name=entry["name"],
        score=score,
        gain="" if mbpb is None else f"{BITS_PER_BYTE.describe_gain(mbpb)} than {over} ({role})",
        chips=show_chips(chips),
        **show_step(step),
    )


def prepare_comparison_bar(comparison: Mapping[str, Any], step: NextStep) -> VerdictBar:
    """From what `compare` returns, and the next step for its claim."""
    challenger, incumbent, difference = (comparison[name] for name in ("challenger", "incumbent", "difference"))
    nats, mbpb = difference["nats_per_token"], difference["mbpb"]
    word = "better" if mbpb < 0 else "worse"
    seeds = f"{challenger['n']} and {incumbent['n']} seeds"
    return VerdictBar(
        heading="Difference",
        name=f"{mbpb:+.2f} mBPB",
        score="" if nats is None else f"{nats:+.4f} nats per token under {difference['tokenizer']}",
        gain=f"{challenger['known_as']} is {word}: {challenger['val_bpb_mean']:.4f} against "
        f"{incumbent['val_bpb_mean']:.4f} bpb over {seeds}",
        chips=tuple(_judge_rule(name, verdict) for name, verdict in comparison["verdicts"].items()),
        **show_step(step.beyond_comparison()),
    )


def _judge_rule(name: str, verdict: Mapping[str, Any]) -> VerdictChip:
    rule, passed = MARGIN_RULES[name], verdict["passed"]
    standing, word = {
        True: ("good", "SHOWN"), False: ("warn", "NOT SHOWN"), None: ("unknown", "UNDECIDED")
    }[passed]  # fmt: skip
    known = verdict["why"] if passed is None else f"p = {format_p(verdict['p_value'])}"
    detail = f"{known}; needed: {rule.requirement}"
    return VerdictChip(title=f"By the {rule.title}", standing=standing, word=word, detail=detail)


def show_step(step: NextStep) -> dict[str, Any]:
    """The next step, as a bar takes it."""
    return {
        "next_sentence": step.sentence[:1].upper() + step.sentence[1:],
        "next_command": None if step.command is None else CopyCommand(command=step.command),
    }
