"""Two entries of one contest side by side, as plain data and as text."""

from collections.abc import Iterator, Mapping
from typing import Any

from golf.errors import InputError
from sweeps.contests.contest import Contest
from sweeps.standings.board import Standings
from sweeps.standings.rules import Improvement, compare_sides, exact_mean
from sweeps.standings.standing import Standing, to_row


def compare_standings(board: Standings, challenger: Standing, incumbent: Standing) -> dict[str, Any]:
    """Apply the contest's rule to two entries; the first is the challenger.

    Raises:
        InputError: they cannot be compared.
    """
    contest, names = board.contest, f"{challenger.entry.name} and {incumbent.entry.name}"
    if challenger is incumbent:
        raise InputError(f"{challenger.entry.name} is the same entry twice; name two different entries to compare")
    if challenger.entry.track != incumbent.entry.track:
        tracks = f"{challenger.entry.track} and {incumbent.entry.track}"
        raise InputError(f"{names} are of different tracks ({tracks}); compare entries of the same track")
    if (reason := board.explain_incomparable(challenger.entry, incumbent.entry)) is not None:
        raise InputError(f"{names}: {reason}")
    test = compare_sides(contest, challenger.side, incumbent.side)
    ours, theirs = challenger.side, incumbent.side
    return {
        "contest": contest.name,
        "challenger": to_row(contest, challenger),
        "incumbent": to_row(contest, incumbent),
        "difference": {
            contest.ranked.by: None if None in (ours.value, theirs.value) else (ours.value or 0) - (theirs.value or 0),
            contest.score.metric: _difference(challenger, incumbent),
        },
        "verdict": test.verdict if test else "not comparable",
        "test": test and _describe_test(test),
    }


def claim_row(board: Standings, challenger: Standing, incumbent: Standing) -> dict[str, Any]:
    """The challenger's entry of the leaderboard, as if the incumbent were what it is to beat."""
    standing = board.judge_against(challenger.entry, incumbent.entry, challenger.rank)
    return to_row(board.contest, standing)


def list_lines(comparison: dict[str, Any], contest: Contest) -> Iterator[str]:
    """The comparison for people."""
    for side in ("challenger", "incumbent"):
        row = comparison[side]
        passed = {True: "passes", False: "does not pass", None: "too few runs for"}[row["rule"]["passed"]]
        yield (
            f"{side}: {row['name']}, {describe_value(row)}, mean {row['metric']} {_show(row['mean'], '.5f')} of "
            f"{describe_runs(row['n'])}, {passed} the rule ({describe_rule(row['rule'])})"
        )
    difference = comparison["difference"]
    shown = ", ".join(f"{_show(value, '+.5g')} {name}" for name, value in difference.items())
    yield f"difference: {shown}"
    test = comparison["test"]
    if test is None:
        yield f"verdict: not comparable; {contest.name} has no rule for so few runs"
        return
    two_sided = "" if test["p_two_sided"] is None else f", {test['p_two_sided']:.2g} two-sided"
    yield f"verdict: {comparison['verdict']} by {describe_rule(test)}{two_sided}"


def describe_rule(result: Mapping[str, Any]) -> str:
    """A rule's result in words."""
    if result["statistic"] is None and result["p_value"] is None:
        return f"{result['test']}: not computed"
    p, statistic = result["p_value"], result["statistic"]
    if result["test"] == "known-sigma":
        return f"known deviation: {statistic:.5f}, needs {result['threshold']:g}; p = {p:.2g}"
    name = {"target": "one-sample t", "welch": "Welch's t"}[result["test"]]
    return f"{name} = {_show(statistic, '.3f')}, p = {p:.2g}, needs p < {result['threshold']:g}"


def describe_value(row: Mapping[str, Any]) -> str:
    """What an entry is ranked by, in words."""
    value = row["value"]
    if value is None:
        return f"no {row['ranked_by']}"
    if row["ranked_by"] == "steps":
        return f"{value:,.0f} step{'' if value == 1 else 's'}"
    return f"{value:,.3f} seconds" if row["ranked_by"] == "seconds" else f"{row['metric']} {value:.5f}"


def describe_runs(number: int) -> str:
    """A number of runs."""
    return f"{number} run{'' if number == 1 else 's'}"


def _describe_test(test: Improvement) -> dict[str, Any]:
    result = test.result.to_json()
    p = result["p_value"]
    return result | {"p_two_sided": None if p is None else 2 * min(p, 1 - p)}


def _difference(challenger: Standing, incumbent: Standing) -> float | None:
    ours, theirs = challenger.side.scores, incumbent.side.scores
    return float(exact_mean(ours) - exact_mean(theirs)) if ours and theirs else None


def _show(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
