"""What the challenges of a home have shown of its entries, from their records and scores alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jobs.store import SweepRecord
from sweeps.board.entries import BoardEntry
from sweeps.statistics import Moments
from sweeps.statistics.replication import run_replication

ChallengeOutcome = Literal["stands", "falls", "undecided", "flagged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PastChallenge:
    """A challenge that was started."""

    sweep: str
    """The sweep that the challenge is."""
    against: str
    seeds: int
    """Fresh seeds at its last analysis; 0 before the first."""
    outcome: ChallengeOutcome | None
    """None as long as it has not come to its end."""


def read_challenges(records: Iterable[SweepRecord], entries: Iterable[BoardEntry]) -> dict[str, PastChallenge]:
    """SWEEP/ENTRY → the latest challenge of that entry.

    Args:
        records: all sweeps, the oldest first.
        entries: all entries, those of challenges included, held against their evidence.
    """
    known = {(entry.sweep, entry.name): entry for entry in entries}
    challenges = [record for record in records if "challenge" in record.spec["file"]]
    return {record.spec["file"]["challenge"]["entry"]: _read(record, known) for record in challenges}


def _read(record: SweepRecord, known: Mapping[tuple[str, str], BoardEntry]) -> PastChallenge:
    file = record.spec["file"]
    claim = file["challenge"]
    challenger, *others = sorted(file["arm"], key=lambda arm: bool(arm.get("baseline")))
    ours = known.get((record.name, challenger["name"]))
    if ours is not None and ours.track == "flagged":
        return PastChallenge(sweep=record.name, against=claim["against"], seeds=len(ours.scores), outcome="flagged")
    train = file.get("recipe", {}).get("train")
    made = run_replication(
        _scores_of(ours),
        _scores_of(known.get((record.name, others[0]["name"]))) if others else _published(file["baseline"]),
        seeds=file["seeds"]["confirm"],
        gain=claim["gain"],
        margin=claim["margin"],
        analyses=claim["analyses"],
        paired=bool(others) and {"train": train} == {"train": others[0].get("train", train)},
    )
    outcome: ChallengeOutcome | None = made[-1].outcome if made else None
    if outcome is None and len(made) == len(claim["analyses"]):
        outcome = "undecided"
    return PastChallenge(
        sweep=record.name, against=claim["against"], seeds=made[-1].seeds if made else 0, outcome=outcome
    )


def _scores_of(entry: BoardEntry | None) -> dict[int, float]:
    return {} if entry is None else {int(seed): bpb for seed, bpb in entry.seeds.items() if bpb is not None}


def _published(baseline: Mapping[str, Any]) -> Moments | float:
    """A published record; without a spread, its mean is taken for exact."""
    mean, std, n = baseline["mean"], baseline.get("std"), baseline.get("n")
    return float(mean) if std is None or n is None or n < 2 else Moments(mean=mean, variance=std**2, n=n)
