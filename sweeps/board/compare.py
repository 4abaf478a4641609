"""Compare two entries: the difference, every possible test, the verdict of each margin rule, what differs in settings.

The first entry is the challenger. Entries of different tracks or validation sets are refused.
"""

from collections.abc import Mapping
from typing import Any

from golf.errors import InputError
from golf.score import LN2
from jobs.errors import Unreadable
from sweeps.board.entries import BoardEntry
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.pairs.differences import read_shared_tables
from sweeps.board.pairs.pair import Pair
from sweeps.board.pairs.pair_tests import list_unused_methods, run_document_tests, run_seed_tests
from sweeps.board.pairs.verdicts import judge, plan_claim
from sweeps.spec.settings import flatten
from sweeps.statistics import mean_documents
from sweeps.statistics.documents import Documents

__all__ = ["Pair", "check", "compare", "document_differences", "list_differences"]


def check(challenger: BoardEntry, incumbent: BoardEntry) -> None:
    """Refuse two entries that cannot be compared.

    Raises:
        InputError: the same entry twice; different tracks, validation sets or machine classes; an entry without a
            score.
    """
    names = f"{challenger.name} and {incumbent.name}"
    if challenger is incumbent:
        raise InputError(f"{challenger.name} is the same entry twice; name two different entries to compare")
    if challenger.track != incumbent.track:
        tracks = f"{challenger.track} and {incumbent.track}"
        raise InputError(f"{names} are of different tracks ({tracks}); compare entries of the same track")
    if challenger.data != incumbent.data:
        raise InputError(
            f"{names}: were scored on different validation sets or tokenizations "
            f"({challenger.data[:12]}, {incumbent.data[:12]}); compare scores of the same tokens"
        )
    if challenger.machine_class != incumbent.machine_class:
        ran = f"{challenger.machine_class or 'an unknown machine'}; {incumbent.machine_class or 'an unknown machine'}"
        raise InputError(f"{names}: are of different machine classes ({ran}); compare runs of one class")
    for entry in (challenger, incumbent):
        if entry.moments is None:
            raise InputError(f"{entry.name}: has no score yet; wait for one of its evaluations")


def compare(pair: Pair) -> dict[str, Any]:
    """Compare two entries, as plain data; what cannot be computed is null with the reason in `why`.

    Raises:
        InputError: they cannot be compared.
    """
    challenger, incumbent = pair.challenger, pair.incumbent
    check(challenger, incumbent)
    assert challenger.moments is not None and incumbent.moments is not None
    difference, unit = challenger.moments.mean - incumbent.moments.mean, challenger.bpb_per_nat
    verdicts = {name: judge(pair, rule) for name, rule in MARGIN_RULES.items()}
    return {
        "challenger": _describe_side(challenger, incumbent.sweep),
        "incumbent": _describe_side(incumbent, challenger.sweep),
        "track": challenger.track,
        "difference": {
            "bpb": difference,
            "mbpb": 1000 * difference,
            "nats_per_token": None if unit is None else difference / unit,
            "tokenizer": challenger.columns.get("tokenizer"),
            "margin_bpb": challenger.margin,
        },
        "tests": run_seed_tests(pair) | run_document_tests(pair),
        "verdicts": verdicts,
        "plans": {
            name: plan_claim(pair, rule) if verdicts[name]["passed"] is False else None
            for name, rule in MARGIN_RULES.items()
        },
        "not_used": list_unused_methods(challenger.moments.n, incumbent.moments.n),
        "settings": list_differences(*pair.recipes),
    }


def list_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings that differ between two recipes, by dotted names; null where only the other recipe has the setting."""
    a, b = flatten(ours), flatten(theirs)
    names = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    return [{"setting": name, "challenger": a.get(name), "incumbent": b.get(name)} for name in names]


def document_differences(pair: Pair) -> Documents | None:
    """Scores of every document under both entries' settings on the artifacts that both evaluated.

    Returns:
        Arrays [documents] by column: document, bytes, and bits per byte of challenger and incumbent; documents without
        bytes are left out. None where no artifact is shared, or scores are lost.
    """
    try:
        ours, theirs = read_shared_tables(pair.challenger, pair.incumbent, pair.read_scores)
    except Unreadable:
        return None
    if not ours:
        return None
    a, b = mean_documents(ours), mean_documents(theirs)
    kept = a["bytes"] > 0
    bits = a["bytes"][kept] * LN2
    return {
        "document": a["document"][kept],
        "bytes": a["bytes"][kept],
        "challenger": a["nll"][kept] / bits,
        "incumbent": b["nll"][kept] / bits,
    }


def _describe_side(entry: BoardEntry, other_sweep: str) -> dict[str, Any]:
    """An entry in short; `known_as` tells it from an entry of the same name in the other sweep."""
    assert entry.moments is not None
    n = entry.moments.n
    return {
        "name": entry.name,
        "known_as": entry.name_within(other_sweep),
        "sweep": entry.sweep or None,
        "val_bpb_mean": entry.moments.mean,
        "val_bpb_std": entry.moments.std if n > 1 else None,
        "n": n,
        "seeds": dict(entry.seeds),
    }
