"""VerdictBar: who leads and by how much, the parts of the verdict as chips, and what to do next."""

from dataclasses import dataclass
from typing import ClassVar

from sweeps.views.components.panels.copy_command import CopyCommand
from sweeps.views.verdict import Verdict


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
    """The verdict on a sweep."""

    template: ClassVar[str] = "panels/verdict_bar.html.j2"
    leader: str | None
    score: str
    gain: str
    """What the leader gains over what; empty where there is nothing to compare with."""
    chips: tuple[VerdictChip, ...]
    next_sentence: str
    next_command: CopyCommand | None


def prepare_verdict_bar(verdict: Verdict) -> VerdictBar:
    """From the one verdict that all commands and pages show."""
    score = "" if verdict.score is None else f"{verdict.score:.4f}"
    if score and verdict.std is not None:
        score += f" ± {verdict.std:.4f}"
    gain = ""
    if verdict.gain_mbpb is not None:
        word = "better" if verdict.gain_mbpb >= 0 else "worse"
        gain = f"{abs(verdict.gain_mbpb):.2f} mBPB {word} than {verdict.baseline} ({verdict.baseline_role})"
    seeds = f" over {verdict.n} seed{'' if verdict.n == 1 else 's'}" if score else ""
    return VerdictBar(
        leader=verdict.leader,
        score=f"{score} bpb{seeds}" if score else "",
        gain=gain,
        chips=tuple(
            VerdictChip(title=chip.title, standing=chip.standing.value, word=chip.word, detail=chip.detail)
            for chip in verdict.chips
        ),
        next_sentence=verdict.next.sentence[:1].upper() + verdict.next.sentence[1:],
        next_command=None if verdict.next.command is None else CopyCommand(command=verdict.next.command),
    )
