"""The verdict on a sweep: who leads, whether the claim is shown, legal and within the limits, its cost, what is next.

Every command and page takes it from here, so that none contradicts another. Pure functions on plain data.
"""

from collections.abc import Sequence

from sweeps.views.entry_facts import EntryColumns
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.entry_chips import holds_corrected, judge_entry
from sweeps.views.verdicts.next_step import NextStep, advance_claim, claim_of_entry
from sweeps.views.verdicts.spending import Spent, SweepProgress, judge_cost
from sweeps.views.verdicts.sweep_verdict import SweepVerdict, judge_leaderless


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
        return judge_leaderless(sweep, rows, spent=spent, progress=progress, commands=commands)
    gain, over, role = measure_gain(leader, rows, baseline)
    return SweepVerdict(
        sweep=sweep,
        leader=leader["name"],
        score=leader["val_bpb_mean"],
        std=leader["val_bpb_std"],
        n=len(leader["seeds"]),
        gain=gain,
        baseline=over,
        baseline_role=role,
        chips=(*judge_entry(leader, baseline), *([judge_cost(spent)] if sweep else [])),
        next=advance_entry(leader, baseline, commands),
        rank=leader["rank"],
    )


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
    return advance_claim(claim, commands, holds_corrected=holds_corrected(entry, baseline))
