"""The sweep of a challenge: the same recipes on fresh seeds, analysis after analysis, until the claim is decided."""

import json
from collections import Counter
from typing import Any

import pytest

from cluster.policy.simulate import Machines
from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.challenge.claim import read_claim
from sweeps.challenge.outcome import describe_challenge, outcome_lines
from sweeps.challenge.plan import ChallengePlan, plan_challenge
from sweeps.planning.dry_run import dry_run
from tests.sweeps.challenge.conftest import NOISE, Claim, scores
from tests.sweeps.made_up import play

GAIN = 4 * NOISE
"""So small that a challenge needs several analyses."""


def plan(place: Workplace, **changes: Any) -> ChallengePlan:
    return plan_challenge(read_claim("main/adapted", place), place, changes)


def jobs_of(place: Workplace, sweep: str) -> Counter[str]:
    return Counter(job.order.job.stage for job in place.store.jobs(sweep=sweep))


def test_the_arms_have_the_recipes_of_the_claim_and_seeds_used_nowhere(claim_home: Claim) -> None:
    place = claim_home(scores(GAIN), confirm={"train_only": 2})  # which takes the seeds 6 and 7
    planned = plan(place, budget={"dollars": 7.0})
    stored = {entry.name: entry.content["settings"] for entry in place.store.entries("main")}
    assert {arm.name: json.loads(json.dumps(arm.recipe.settings())) for arm in planned.spec.arms} == stored
    assert planned.spec.recipe == next(arm.recipe for arm in planned.spec.arms if arm.name == "adapted")
    assert [arm.name for arm in planned.spec.arms if arm.baseline] == ["base"]
    assert min(planned.spec.seeds.confirm) == 8
    assert planned.spec.budget.dollars == 7.0 and planned.spec.budget.dollars_per_gpu_hour == 3.0
    with pytest.raises(InputError, match=r"--set eval\.…: not a setting of a challenge"):
        plan(place, eval={"lr": 0.1})


def test_its_price_counts_each_training_once(claim_home: Claim) -> None:
    """Each job of the made-up sweeps costs $0.10: one training, one artifact and two evaluations a seed."""
    planned = plan(claim_home(scores(GAIN)))
    assert planned.dollars == tuple(pytest.approx(0.4 * seeds) for seeds in planned.seeds)


@pytest.mark.parametrize(("fresh", "outcome"), [(GAIN, "stands"), (0.0, "falls")])
def test_it_ends_with_the_analysis_that_decides(claim_home: Claim, fresh: float, outcome: str) -> None:
    place, bpb = claim_home(scores(GAIN)), scores(GAIN, fresh)
    planned = plan(place)
    best, most = planned.seeds
    assert best < most
    name = planned.spec.name
    play(place, planned.spec.source, bpb, steps=2)  # killed on the way
    assert jobs_of(place, name)["train"] == best  # no seed of a later analysis
    assert describe_challenge(planned, place.store)["outcome"] is None
    again = plan(place)
    assert again.spec == planned.spec  # the same seeds, analyses and claim
    play(place, again.spec.source, bpb)
    document = describe_challenge(again, place.store)
    assert document["outcome"] == outcome
    made = [analysis for analysis in document["analyses"] if analysis["p_falls"] is not None]
    assert [analysis["outcome"] for analysis in made] == [None] * (len(made) - 1) + [outcome]
    seeds = made[-1]["seeds"]
    assert seeds <= most
    jobs = jobs_of(place, name)
    assert (jobs["train"], jobs["quantize"], jobs["eval"]) == (seeds, seeds, 2 * seeds)
    assert f"the claim {outcome.upper()}" in [*outcome_lines(document)][-1]
    before = place.store.jobs()
    play(place, plan(place).spec.source, bpb)
    assert place.store.jobs() == before  # nothing is run again


def test_another_recipe_is_another_challenge(claim_home: Claim) -> None:
    place = claim_home(scores(GAIN))
    first = plan(place)
    play(place, first.spec.source, scores(GAIN))
    source = dict(read_claim("main/adapted", place).record.spec["file"])
    arms = [source["arm"][0], {**source["arm"][1], "eval": {"lr": 0.5}}]
    play(place, {**source, "arm": arms}, scores(GAIN))
    second = plan(place)
    assert second.spec.name != first.spec.name
    assert not {*second.spec.seeds.confirm} & {*first.spec.seeds.confirm}


def test_published_numbers_get_no_seeds(claim_home: Claim) -> None:
    arm = {"name": "adapted", "eval": {"lr": 0.02}}
    place = claim_home(scores(0.02), arm=[arm], baseline={"mean": 1.3, "std": 0.001, "n": 9})
    planned = plan(place)
    assert [arm.name for arm in planned.spec.arms] == ["adapted"]
    play(place, planned.spec.source, scores(0.02))
    document = describe_challenge(planned, place.store)
    assert (document["test"], document["outcome"], document["against"]) == ("welch", "stands", "published baseline")


def test_what_no_affordable_number_of_seeds_decides_is_refused(claim_home: Claim) -> None:
    place = claim_home(scores(-NOISE / 5))
    with pytest.raises(InputError, match=r"200 fresh seeds would not decide this claim with a chance of 80%: it is \d"):
        plan(place)


def test_a_plan_of_its_jobs_has_all_of_its_seeds(claim_home: Claim) -> None:
    place = claim_home(scores(GAIN))
    planned = plan(place)
    sweep = play(place, planned.spec.source, scores(GAIN), steps=0)
    preview = dry_run(sweep, place.store, Machines(nodes=1, slots=8).free(), lambda job: 1.0)
    assert preview.done
    assert sum(job.order.job.stage == "train" for job in preview.jobs) == planned.seeds[1]
