"""Leaderboards and comparisons in short."""

from collections.abc import Mapping
from typing import Any

from sweeps.views.brief.fitting import fit

OWN_COLUMNS = (
    "name", "track", "rank", "source", "val_bpb_mean", "val_bpb_std", "difference_mbpb", "incumbent", "verdict",
    "verdict_p", "p_tries",
)  # fmt: skip
CONTEST_COLUMNS = ("name", "track", "rank", "source", "value", "mean", "std", "n", "verdict")


def brief_leaderboard(document: Mapping[str, Any]) -> dict[str, Any]:
    """The best entries of a leaderboard; those that are flagged by name alone.

    Args:
        document: what `golfsweep leaderboard --json` prints.
    """
    rows = document["rows"]
    ranked = [row for row in rows if row["track"] != "flagged"]
    columns = CONTEST_COLUMNS if rows and "ranked_by" in rows[0] else OWN_COLUMNS
    counts = {"entries": len(rows), "flagged": [row["name"] for row in rows if row["track"] == "flagged"]}
    shown = [{name: row[name] for name in columns} for row in ranked]
    notes = {"notes": document["notes"]}
    return fit(
        {"schema_version": document["schema_version"], **counts, "rows": shown, **notes}, ["rows", "flagged", "notes"]
    )


def brief_comparison(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """A comparison: difference, verdicts, seeds still needed with their price, settings that differ, the next step.

    Args:
        comparison: what `golfsweep compare --json` prints.
    """
    if "contest" in comparison:
        sides = {side: _brief_standing(comparison[side]) for side in ("challenger", "incumbent")}
        kept = ("contest", "difference", "verdict", "test")
        return fit({key: comparison[key] for key in kept} | sides, [])
    sides = {
        side: {key: comparison[side][key] for key in ("name", "sweep", "val_bpb_mean", "val_bpb_std", "n")}
        for side in ("challenger", "incumbent")
    }
    verdicts = {
        name: {key: verdict[key] for key in ("passed", "level", *(["p_value"] if "p_value" in verdict else []))}
        for name, verdict in comparison["verdicts"].items()
    }
    plans = {
        name: None if plan is None else {end: plan[end] and _brief_plan(plan[end]) for end in ("least", "most")}
        for name, plan in comparison["plans"].items()
    }
    return fit(
        {
            **sides,
            "track": comparison["track"],
            "difference_mbpb": comparison["difference"]["mbpb"],
            "verdicts": verdicts,
            "more_seeds": plans,
            "next": comparison["next"],
            "settings": comparison["settings"],
            "notes": comparison["notes"],
        },
        ["settings", "notes"],
    )


def _brief_standing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("name", "sweep", "track", "value", "mean", "std", "n")}


def _brief_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {"more": plan["more"], "dollars": plan["dollars"]}
