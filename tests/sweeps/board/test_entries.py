"""The columns that an entry of the leaderboard fills alone."""

from dataclasses import replace

import numpy as np
import pytest

from golf.limits import LIMIT_BYTES
from golf.score import LN2
from sweeps.board.rules import MARGIN_NATS
from sweeps.statistics import dunnett, moments, pool, pooled_test, seeds_needed, welch
from tests.sweeps.evaluations import BASE, BYTES, TOKENS, clocks, entries, evaluation, record, runs_of, text


def test_strict_counts_code_as_written_and_accepted_as_shipped() -> None:
    sizes = {"model_bytes": LIMIT_BYTES - 60, "code_bytes": 50, "source_bytes": 70}
    runs = [evaluation("one", 1, 1.1, **sizes), evaluation("one", 2, 1.1)]
    accepted, strict = (entries(runs, profile=profile)["one"] for profile in ("accepted", "strict"))
    assert (accepted["bytes_total"], strict["bytes_total"]) == (LIMIT_BYTES - 10, LIMIT_BYTES + 10)
    assert (accepted["bytes"]["code"], strict["bytes"]["code"]) == (50, 70)
    assert (accepted["track"], strict["track"]) == ("legal", "flagged")
    assert [entry["headroom"][name]["bytes"] for entry in (accepted, strict) for name in ("accepted", "strict")] == [
        10, -10, 10, -10,
    ]  # fmt: skip


def test_a_script_is_held_against_its_own_limit_of_bytes() -> None:
    own = {"model_bytes": 100, "code_bytes": 50}
    rows = entries(
        [evaluation(name, 1, 1.1, limit_bytes=limit, **own) for name, limit in (("own", 160), ("none", None))]
    )
    assert (rows["own"]["bytes"]["limit"], rows["own"]["headroom"]["accepted"]["bytes"]) == (160, 10)
    assert (rows["none"]["bytes"]["limit"], rows["none"]["headroom"]["accepted"]["bytes"]) == (None, None)


def test_speed_headroom_and_scores_by_stage() -> None:
    facts = {
        "clocks": clocks(590.0, 400.0, around=50.0),
        "steps": 5000,
    }
    stages = {"trained_bpb": 1.29, "quantized_bpb": 1.3}
    runs = [evaluation("base", seed, 1.2 + seed / 100, **facts, **stages) for seed in range(2)]
    entry = entries(runs)["base"]
    assert [entry[f"bpb_{name}"] for name in ("trained", "quantized", "adapted")] == pytest.approx([1.29, 1.3, 1.205])
    assert (entry["steps"], entry["ms_per_step"]) == (5000, 118.0)
    left = LIMIT_BYTES - 550
    assert entry["headroom"]["accepted"] == {"bytes": left, "train_seconds": 10.0, "eval_seconds": 200.0}
    assert entry["headroom"]["strict"] == {"bytes": left, "train_seconds": -40.0, "eval_seconds": 150.0}
    accepted, strict = (entries(runs, profile=profile)["base"] for profile in ("accepted", "strict"))
    assert (accepted["train_seconds"], accepted["track"]) == (590.0, "legal")
    assert (strict["train_seconds"], strict["track"]) == (640.0, "flagged")
    plain = [evaluation("none", 1, 1.3, adapts=False), evaluation("none", 2, 1.3, adapts=False, quantized_bpb=1.3)]
    assert [entries(plain)["none"][f"bpb_{name}"] for name in ("trained", "quantized", "adapted")] == [None, None, None]


def test_code_and_settings_are_the_same_on_all_seeds_or_it_is_said() -> None:
    same = [evaluation("base", seed, 1.2 + seed / 100, code=("abc",), settings="s") for seed in range(2)]
    assert [entries(same)["base"][name] for name in ("same_code", "same_settings")] == [True, True]
    other = [same[0], evaluation("base", 1, 1.2, code=("abc", "def"), settings="t")]
    assert [entries(other)["base"][name] for name in ("same_code", "same_settings")] == [False, False]
    unknown = [evaluation("base", 1, 1.2, code=(None,))]
    assert [entries(unknown)["base"][name] for name in ("same_code", "same_settings")] == [None, None]


def test_what_would_settle_a_claim_and_what_it_costs() -> None:
    late = runs_of("late", [1.190, 1.196, 1.204], stage=(5.0, 1), trials=20)
    entry = entries([*runs_of("base", BASE), *late], profile="strict")["late"]
    assert entry["seeds_to_settle"] >= 1
    assert entry["dollars_to_settle"] == pytest.approx(entry["seeds_to_settle"] * (0.5 + 0.5))
    assert (entry["incumbent_too"], entry["settled_by"]) == (True, "written_rule")
    assert entry["selection_bias_mbpb"] == pytest.approx(
        1000 * 1.867 * pooled_std([BASE, [1.190, 1.196, 1.204]]), rel=1e-3
    )
    sure = entries([*runs_of("base", BASE), *runs_of("late", [0.9, 0.9, 0.9001], stage=(5.0, 1))])["late"]
    assert (sure["seeds_to_settle"], sure["dollars_to_settle"]) == (0, 0.0)
    worse = entries([*runs_of("base", BASE), *runs_of("late", [1.3, 1.31], stage=(5.0, 1))])["late"]
    assert (worse["seeds_to_settle"], worse["dollars_to_settle"]) == (None, None)


def test_a_claim_is_settled_by_the_profiles_own_rule() -> None:
    """Margin and level are of one rule: by practice this one stands already, by the text it does not."""
    both = [*runs_of("base", BASE), *runs_of("late", [1.190, 1.196, 1.204], stage=(5.0, 1))]
    practice, challenge = (entries(both, profile=profile)["late"] for profile in ("accepted", "strict"))
    assert 0.01 < practice["p_incumbent"] < 0.25
    assert (practice["seeds_to_settle"], practice["settled_by"]) == (0, "precedent")
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    late, base = moments([1.190, 1.196, 1.204]), moments(BASE)
    ends = [replace(late, mean=base.mean + end) for end in welch(late, base).ci95]
    plans = [seeds_needed(end, base, margin=margin, level=0.01) for end in ends]
    assert plans[0] is not None
    assert (challenge["seeds_to_settle"], plans[1], challenge["seeds_to_settle_most"]) == (plans[0].more, None, None)
    assert practice["seeds_to_settle_most"] == 0


def test_a_margin_that_is_not_known_is_not_taken_for_nought() -> None:
    records = [record("one", 1.0, 1.081, 1.082, 1.083), record("two", 2.0, 1.080, 1.0812, 1.0827)]
    practice, strict = (
        entries([], imported=records, profile=profile, baseline=None)["two"] for profile in ("accepted", "strict")
    )
    assert [strict[name] for name in ("p_written_rule", "seeds_to_settle", "dollars_to_settle", "settled_by")] == [
        None
    ] * 4
    assert practice["settled_by"] == "precedent"
    assert practice["incumbent_too"] is False


def test_entries_on_the_same_artifacts_count_their_spread_once() -> None:
    """Whether by artifact or, quantized in other ways, by what was trained."""
    late = [1.190, 1.196, 1.204]
    for name in ("artifact", "weights"):
        shared = [
            evaluation(row, seed, bpb + shift, **{name: f"of seed {seed}"})
            for row, shift in (("base", 0.0), ("twin", 0.01), ("third", 0.02))
            for seed, bpb in enumerate(BASE)
        ]
        entry = entries([*shared, *runs_of("late", late)])["late"]
        apart = pool([late, BASE])
        margin = MARGIN_NATS / LN2 * TOKENS / BYTES
        assert entry["p_pooled"] == pytest.approx(pooled_test(late, BASE, apart, margin).p_value)
        assert entry["equal_variance_p"] == pytest.approx(apart.equal_p)
        together = [[bpb + 0.01 for bpb in BASE], [bpb + 0.02 for bpb in BASE], late]
        assert entry["p_dunnett"] == pytest.approx(dunnett(together, BASE, margin, apart)[2])


def pooled_std(groups: list[list[float]]) -> float:
    return float(np.sqrt(sum((len(g) - 1) * np.var(g, ddof=1) for g in groups) / sum(len(g) - 1 for g in groups)))


def test_seeds_that_all_give_one_score_tell_nothing() -> None:
    entry = entries([*runs_of("base", [1.2] * 3), *runs_of("late", [1.1] * 3, stage=(5.0, 0))])["late"]
    assert [entry[name] for name in ("p_value", "p_incumbent", "precedent", "p_pooled")] == [None] * 4
    assert any("same score" in words for words in entry["unchecked"])


def test_seeds_of_an_entry_share_a_validation_set() -> None:
    with pytest.raises(ValueError, match="different validation sets"):
        entries([evaluation("base", 1, 1.2), evaluation("base", 2, 1.2, text=text("other"))])


def test_a_nat_is_worth_what_the_text_makes_of_it() -> None:
    assert text().bpb(0.005) == pytest.approx(0.005 / LN2 * TOKENS / BYTES)
