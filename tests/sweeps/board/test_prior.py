"""From whose trainings the prior of the moderated test comes."""

from collections.abc import Sequence

from sweeps.board.entries import BoardEntry, build_entry, build_imported_entry
from sweeps.board.pairs.pair import Pair
from sweeps.board.pairs.prior import NamedPrior, find_prior
from sweeps.statistics import moments
from tests.sweeps.evaluations import record, runs_of, scores

SCORES_C, SCORES_I = [1.19, 1.2, 1.215], [1.21, 1.2, 1.225]


def entry(name: str, bpb: list[float], training: str | None = None) -> BoardEntry:
    runs = runs_of(name, bpb) if training is None else runs_of(name, bpb, weights=training)
    return build_entry(runs, "accepted")


def pair(peers: Sequence[BoardEntry], records: Sequence[BoardEntry] = ()) -> Pair:
    c, i = entry("c", SCORES_C), entry("i", SCORES_I)
    return Pair(challenger=c, incumbent=i, peers=[c, i, *peers], records=records, recipes=({}, {}), read_scores=scores)


def test_the_own_sweep_comes_first_and_the_two_tested_are_not_in_it() -> None:
    peers = [entry(f"p{n}", [1.2, 1.2 + 0.01 * n, 1.23]) for n in (1, 2, 3)]
    records = [build_imported_entry(record(f"r{n}", 1.0, 1.2, 1.21, 1.22 + n / 100)) for n in range(4)]
    prior = find_prior(pair(peers, records))
    assert isinstance(prior, NamedPrior)
    assert (prior.source, prior.names) == ("sweep", ["p1", "p2", "p3"])
    assert prior.prior.df <= 6


def test_entries_on_one_training_are_one_variance() -> None:
    same = [entry(f"s{n}", [1.2, 1.21, 1.22 + n / 100], "shared") for n in range(3)]
    why = find_prior(pair([*same, entry("p", [1.2, 1.3, 1.4]), entry("alone", [1.2])]))
    assert why == "fewer than 3 other trainings have a spread"


def test_records_serve_where_they_spread_alike() -> None:
    alike = [build_imported_entry(record(f"r{n}", 1.0, *(bpb + n for bpb in SCORES_C))) for n in range(3)]
    prior = find_prior(pair([], alike))
    assert isinstance(prior, NamedPrior)
    assert (prior.source, prior.names) == ("records", ["r0", "r1", "r2"])
    assert abs(prior.prior.variance - moments(SCORES_C).variance) < 1e-9
    calm = [build_imported_entry(record(f"r{n}", 1.0, 1.2, 1.2 + 1e-5, 1.2 - 1e-5)) for n in range(3)]
    assert "spread differently" in str(find_prior(pair([], calm)))


def test_shared_trainings_are_no_two_samples() -> None:
    c, i = (entry(name, bpb, "shared") for name, bpb in (("c", SCORES_C), ("i", SCORES_I)))
    both = Pair(challenger=c, incumbent=i, peers=[c, i], records=[], recipes=({}, {}), read_scores=scores)
    assert "share trainings" in str(find_prior(both))
