"""The verdict on a sweep: who leads, whether the claim is shown, legal and within the limits, its cost, what is next.

Every command and page takes it from here, so that none contradicts another. Pure functions on plain data.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.state import SweepState
from sweeps.board.ledger import correct_p
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.rules import LIMIT_SECONDS
from sweeps.views.entry_facts import EntryColumns, deciding_p
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.next_step import DECIDING, NextStep, advance_claim, claim_of_entry
from sweeps.views.wording import format_dollars, format_hours, format_near, format_p

__all__ = ["Chip", "NextStep", "Rating", "Spent", "SweepProgress", "SweepVerdict", "judge_sweep"]

MOST_UNCHECKED = 1
"""Things that nobody has verified which a chip names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a sweep has used so far."""

    slot_hours: float
    dollars: float | None
    unit: str = "slot"
    """What a slot is to people: core or GPU."""
    jobs: int | None = None
    """Finished jobs."""
    budget_dollars: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepProgress:
    """How far a sweep is."""

    state: str = SweepState.DONE
    failed: int = 0
    """Jobs that failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepVerdict:
    """The verdict on a sweep; scores in bits per byte."""

    sweep: str
    leader: str | None
    score: float | None
    std: float | None
    n: int
    gain_mbpb: float | None
    """By how much the leader is better than `baseline`, in mBPB; negative where it is worse."""
    baseline: str | None
    """What the gain is over."""
    baseline_role: str | None
    """What that is: baseline or current record."""
    chips: tuple[Chip, ...]
    next: NextStep


def judge_sweep(
    sweep: str,
    rows: Sequence[EntryColumns],
    *,
    baseline: str | None,
    spent: Spent,
    progress: SweepProgress,
    commands: CommandWords | None = None,
) -> SweepVerdict:
    """Judge a sweep by its leaderboard.

    Args:
        sweep: its name.
        rows: entries of the leaderboard, best first within each track.
        baseline: name of the entry that the others are compared with.
        spent: what it has used.
        progress: how far it is.
        commands: how commands name its entries; by default as those of the latest sweep.
    """
    commands = commands or CommandWords(sweep=sweep)
    leader = find_leader(rows)
    if leader is None:
        return SweepVerdict(
            sweep=sweep, leader=None, score=None, std=None, n=0, gain_mbpb=None, baseline=None, baseline_role=None,
            chips=(_judge_no_leader(rows), _judge_cost(spent)), next=_advance_without_leader(rows, progress, commands),
        )  # fmt: skip
    gain, over, role = measure_gain(leader, rows, baseline)
    return SweepVerdict(
        sweep=sweep,
        leader=leader["name"],
        score=leader["val_bpb_mean"],
        std=leader["val_bpb_std"],
        n=len(leader["seeds"]),
        gain_mbpb=gain,
        baseline=over,
        baseline_role=role,
        chips=(*judge_entry(leader, baseline), _judge_cost(spent)),
        next=advance_entry(leader, baseline, commands),
    )


def judge_entry(entry: EntryColumns, baseline: str | None) -> tuple[Chip, ...]:
    """What is to be said of one entry: whether it beats the record, is legal, and fits the limits."""
    if entry["track"] == "flagged":
        return (_judge_legality(entry), _judge_limits(entry))
    caution = _judge_caution(entry, baseline)
    cautions = () if caution is None else (caution,)
    return (_judge_record(entry, baseline), *cautions, _judge_legality(entry), _judge_limits(entry))


def find_leader(rows: Sequence[EntryColumns]) -> EntryColumns | None:
    """The best entry of the sweep itself that is not flagged, else the best such record; legal ones come first."""
    scored = [row for row in rows if row["track"] != "flagged" and row["val_bpb_mean"] is not None]
    ranked = sorted(scored, key=lambda row: (row["source"] != "golfsweep", row["track"] != "legal"))
    return next(iter(ranked), None)


def measure_gain(
    entry: EntryColumns, rows: Sequence[EntryColumns], baseline: str | None
) -> tuple[float | None, str | None, str | None]:
    """By how much an entry is better, in mBPB, than what, and what that is: the current record, else the baseline."""
    if entry["incumbent"] is not None and entry["difference_mbpb"] is not None:
        role = "baseline" if entry["incumbent"] == baseline else "current record"
        return -entry["difference_mbpb"], entry["incumbent"], role
    base = next((row for row in rows if row["name"] == baseline and row["source"] == "golfsweep"), None)
    if base is None or base is entry or base["val_bpb_mean"] is None or entry["val_bpb_mean"] is None:
        return None, None, None
    return 1000 * (base["val_bpb_mean"] - entry["val_bpb_mean"]), baseline, "baseline"


def advance_entry(entry: EntryColumns, baseline: str | None, commands: CommandWords) -> NextStep:
    """What an entry needs next."""
    if entry["track"] == "flagged":
        return NextStep(sentence="nothing: it is never ranked", command=None)
    if entry["source"] != "golfsweep":
        return NextStep(sentence="beat it with a sweep of your own", command="golfsweep init")
    claim = claim_of_entry(entry)
    if claim is None and (entry["rank"] or 1) > 1:
        return NextStep(sentence="see what ranks above it", command=commands.leaderboard())
    if claim is None:
        return NextStep(sentence="nothing beats it yet: add arms or trials to the sweep file", command=None)
    return advance_claim(claim, commands, holds_corrected=_holds_corrected(entry, baseline))


def _advance_without_leader(rows: Sequence[EntryColumns], progress: SweepProgress, commands: CommandWords) -> NextStep:
    flagged = next((row for row in rows if row["track"] == "flagged"), None)
    if progress.state == SweepState.RUNNING:
        return NextStep(sentence="wait for the first confirmed entry", command=commands.status())
    if progress.failed:
        jobs = f"{progress.failed} failed job{'' if progress.failed == 1 else 's'}"
        return NextStep(sentence=f"retry {jobs}", command=commands.retry())
    if flagged is not None:
        return NextStep(sentence="see why the best entry is flagged", command=commands.show(flagged["name"]))
    if rows:
        return NextStep(sentence="see what could not be judged", command=commands.leaderboard())
    return NextStep(sentence="see how far it is", command=commands.status())


def _judge_no_leader(rows: Sequence[EntryColumns]) -> Chip:
    flagged = sum(row["track"] == "flagged" for row in rows)
    if flagged:
        detail = "its entry is flagged" if flagged == 1 else f"all {flagged} judged entries are flagged"
        return Chip(title="Legal", standing=Rating.BAD, word="NO LEGAL ENTRY", detail=detail)
    word = "NOT JUDGED" if rows else "NO ENTRY YET"
    detail = "no entry could be judged from outside" if rows else "an entry appears when its seeds are confirmed"
    return Chip(title="Legal", standing=Rating.UNKNOWN, word=word, detail=detail)


def _judge_record(leader: EntryColumns, baseline: str | None) -> Chip:
    if leader["incumbent"] is None:
        detail = "no earlier entry or record to beat"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="NOTHING TO BEAT", detail=detail)
    rule, passed = MARGIN_RULES[DECIDING], leader[DECIDING]
    needed = f"the rule needs p < {rule.level:g} at a {rule.margin_nats:g}-nat margin"
    if passed is None:
        why = "one seed has no spread" if len(leader["seeds"]) < 2 else "no test is possible"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="UNDECIDED", detail=f"{why}; {needed}")
    held = passed and _holds_corrected(leader, baseline)
    standing = Rating.GOOD if held else Rating.BAD if leader["difference_mbpb"] > 0 else Rating.WARN
    word = "SHOWN" if passed else "NOT SHOWN"
    return Chip(
        title="Record", standing=standing, word=word, detail=f"p = {format_p(deciding_p(leader, rule))}, {needed}"
    )


def _judge_caution(leader: EntryColumns, baseline: str | None) -> Chip | None:
    """What makes the leader look better than it is."""
    if len(leader["seeds"]) < 2:
        return Chip(title="Caution", standing=Rating.WARN, word="ONE SEED", detail="its spread is not known")
    form, p = _correct(leader, baseline)
    corrected = "" if p is None else f"; {form.format(format_p(p))}"
    standing = Rating.GOOD if _holds_corrected(leader, baseline) and leader[DECIDING] else Rating.WARN
    if leader["trials"] and leader["selection_bias_mbpb"] is not None:
        detail = f"luck alone explains {leader['selection_bias_mbpb']:.2f} mBPB{corrected}"
        return Chip(title="Caution", standing=standing, word=f"BEST OF {leader['trials']}", detail=detail)
    if corrected and (leader["tries"] or 1) > 1:
        word = f"{leader['tries']} SETTINGS TRIED"
        return Chip(title="Caution", standing=standing, word=word, detail=corrected.removeprefix("; "))
    return None


def _correct(entry: EntryColumns, baseline: str | None) -> tuple[str, float | None]:
    """How p of the claim is written when all that was tried is allowed for, and that p: the larger of two corrections.

    Holm's is over the claims of all entries against the baseline, by Welch's test; the other over all settings tried.
    """
    rule, tries = MARGIN_RULES[DECIDING], entry["tries"] or 1
    corrected = f"p = {{}} over {tries} setting{'' if tries == 1 else 's'}", correct_p(deciding_p(entry, rule), tries)
    holm = entry["p_adjusted"] if entry["incumbent"] == baseline and entry[rule.paired_column] is None else None
    return ("Holm p = {}", holm) if holm is not None and holm > (corrected[1] or 0.0) else corrected


def _holds_corrected(entry: EntryColumns, baseline: str | None) -> bool:
    """Whether the claim holds together with all others; one that nobody corrected does."""
    corrected = _correct(entry, baseline)[1]
    return corrected is None or corrected < MARGIN_RULES[DECIDING].level


def _judge_legality(leader: EntryColumns) -> Chip:
    if leader["track"] == "flagged":
        return Chip(title="Legal", standing=Rating.BAD, word="FLAGGED", detail=describe_flags(leader["findings"]))
    if leader["track"] != "legal":
        detail = "its scores were not audited from outside"
        return Chip(title="Legal", standing=Rating.UNKNOWN, word="UNVERIFIED", detail=detail)
    unchecked = [re.sub(r" \(.*\)$", "", item) for item in leader["unchecked"] or ()]
    items = [item if item.startswith("not ") else f"not checked: {item}" for item in unchecked[:MOST_UNCHECKED]]
    if len(unchecked) > MOST_UNCHECKED:
        items.append(f"{len(unchecked) - MOST_UNCHECKED} more not checked")
    audited, n = leader["audited_seeds"], len(leader["seeds"])
    audit = f"{audited} of {n} seed{'' if n == 1 else 's'} audited"
    return Chip(
        title="Legal", standing=Rating.GOOD, word="PASSED", detail="; ".join([*([audit] if audited else []), *items])
    )


def _judge_limits(leader: EntryColumns) -> Chip:
    """Bytes and seconds of the worst seed against the limits."""
    size, limit = leader["bytes_total"], (leader["bytes"] or {}).get("limit")
    clocks = (("train", leader["train_seconds"]), ("eval", leader["eval_seconds"]))
    used = [
        (
            size,
            limit,
            "" if size is None or not limit else f"{format_near(size / 1e6, limit / 1e6, 2)} of {limit / 1e6:g} MB",
        ),
        *(
            (seconds, LIMIT_SECONDS, f"{name} {format_near(seconds or 0, LIMIT_SECONDS, 0)} of {LIMIT_SECONDS:g} s")
            for name, seconds in clocks
        ),
    ]
    known = [(amount, most, text) for amount, most, text in used if amount is not None and most is not None]
    if not known:
        return Chip(title="Fits", standing=Rating.UNKNOWN, word="UNKNOWN", detail="neither bytes nor times are known")
    detail = f"{' · '.join(text for *_, text in known)} (worst seed)"
    if any(amount > most for amount, most, _ in known):
        return Chip(title="Fits", standing=Rating.BAD, word="NO", detail=detail)
    word, standing = ("YES", Rating.GOOD) if len(known) == len(used) else ("AS FAR AS KNOWN", Rating.UNKNOWN)
    return Chip(title="Fits", standing=standing, word=word, detail=detail)


def _judge_cost(spent: Spent) -> Chip:
    hours = format_hours(spent.slot_hours, spent.unit)
    parts = [hours, *([] if spent.jobs is None else [f"{spent.jobs} job{'' if spent.jobs == 1 else 's'}"])]
    if spent.dollars is None:
        return Chip(title="Cost", standing=Rating.UNKNOWN, word=parts[0], detail=" · ".join(parts[1:]))
    limit = "" if spent.budget_dollars is None else f" of {format_dollars(spent.budget_dollars)}"
    over = spent.budget_dollars is not None and spent.dollars > spent.budget_dollars
    word = f"{format_dollars(spent.dollars)}{limit}"
    return Chip(title="Cost", standing=Rating.BAD if over else Rating.GOOD, word=word, detail=" · ".join(parts))
