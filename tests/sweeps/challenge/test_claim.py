"""What an entry claims, and which entries claim nothing that fresh seeds could test."""

import pytest

from golf.errors import InputError
from sweeps.board.evaluation import ImportedEntry
from sweeps.board.rules import Published
from sweeps.challenge.claim import read_claim
from sweeps.statistics.replication import likely_spread
from tests.sweeps.challenge.conftest import NOISE, Claim, scores, two_arms
from tests.sweeps.made_up import play

ADAPTED = {"name": "adapted", "eval": {"lr": 0.02}}


def test_a_claim_is_against_what_the_verdict_is_against(claim_home: Claim) -> None:
    claim = read_claim("adapted", claim_home(scores(0.02)))
    assert (claim.name, claim.against_name) == ("main/adapted", "main/base")
    assert claim.gain == pytest.approx(0.02, abs=NOISE)
    assert claim.noise.incumbent == 0 and 0 < claim.noise.challenger < 3 * NOISE  # paired by training
    assert claim.margin == 0  # of the precedent


def test_other_trainings_are_not_paired(claim_home: Claim) -> None:
    trained = {**ADAPTED, "train": {"steps": 11}}
    arms = [{"name": "base", "baseline": True, "eval": {"preset": "none"}}, trained]
    claim = read_claim("adapted", claim_home(scores(0.05), arm=arms))
    assert claim.noise.incumbent > NOISE and claim.noise.incumbent_seeds is None


@pytest.mark.parametrize(
    ("baseline", "spread", "seeds"),
    [({"mean": 1.3}, 0.0, None), ({"mean": 1.3, "std": 0.004, "n": 3}, likely_spread(0.004, 3), 3)],
)
def test_published_numbers_are_an_opponent(
    claim_home: Claim, baseline: dict[str, float], spread: float, seeds: int | None
) -> None:
    claim = read_claim("adapted", claim_home(scores(0.02), arm=[ADAPTED], baseline=baseline))
    assert isinstance(claim.against, Published) and claim.against_settings is None
    assert (claim.noise.incumbent, claim.noise.incumbent_seeds) == (spread, seeds)


@pytest.mark.parametrize(
    ("name", "gain", "changes", "problem"),
    [
        ("base", 0.02, {}, "base: no entry came before it and it is the baseline"),
        (
            "adapted",
            -0.02,
            {},
            r"adapted: claims no gain to challenge: -\d+.* mBPB over main/base; expected better at all",
        ),
        ("none", 0.02, {}, 'entry "none": no confirmed entry of that name'),
        ("adapted", 0.02, {"seeds": {"confirm": [3]}}, "has one seed, so its noise is unknown; measure it on more"),
        ("main/leak", 0.02, {"arm": [{"name": "leak", "eval": {"preset": "chimera-611"}}]}, "leak: is flagged"),
    ],
)
def test_what_claims_nothing_is_refused(
    claim_home: Claim, name: str, gain: float, changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        read_claim(name, claim_home(scores(gain), **changes))


def test_a_public_record_cannot_be_run_here(claim_home: Claim) -> None:
    home = claim_home(scores(0.02))
    home.store.put_record("2026-04-01_Best", {"name": "2026-04-01_Best", "seeds": {"1": 1.1, "2": 1.2}})
    assert ImportedEntry.from_json(home.store.records()[0]).name == "2026-04-01_Best"
    with pytest.raises(InputError, match="a public record, whose recipe cannot be run here"):
        read_claim("2026-04-01_Best", home)


def test_both_entries_must_have_the_same_data(claim_home: Claim) -> None:
    home = claim_home(scores(0.0))
    later = two_arms("later", arm=[{**ADAPTED, "train": {"steps": 11}}], baseline={"mean": 9.0})
    play(home, later, scores(0.05))
    assert read_claim("later/adapted", home).against_name.startswith("main/")
    record = home.store.sweep("main")
    assert record is not None
    home.store.put_sweep("main", {**record.spec, "data": record.spec["data"] | {"train_digest": "other"}})
    with pytest.raises(InputError, match=r"later and main: have other data \(train\), so no sweep can measure both"):
        read_claim("later/adapted", home)
