"""What a sweep will do before it does it: jobs by kind, which of them are done, and what the rest will take."""

from collections.abc import Mapping
from typing import Any

from jobs.state import JobState
from jobs.store import Store
from sweeps.file import SweepSpec
from sweeps.session import slot_seconds
from sweeps.sweep import Sweep


def job_counts(spec: SweepSpec) -> dict[str, int]:
    """Jobs of a whole sweep by kind, each distinct one once."""
    arms = [(arm.recipe.settings(), seed) for arm in spec.arms for seed in arm.seeds]
    trained = {str((settings["train"], seed)) for settings, seed in arms}
    artifacts = {str((settings["train"], settings["quantize"], seed)) for settings, seed in arms}
    evaluated = len(arms)
    if spec.search is not None:
        section, base = spec.search.section, spec.recipe.settings()
        seeds = list(spec.seeds.tune if section.promote else spec.seeds.tune[:1])
        seeds += spec.seeds.confirm if spec.confirm_top else ()
        promoted = min(section.promote.top, section.trials) * len(spec.seeds.tune) if section.promote else 0
        confirmed = spec.confirm_top * len(spec.seeds.confirm)
        evaluated += section.trials + promoted + confirmed
        moving = any(parameter.setting.startswith("train.") for parameter in spec.search.space.values())
        requantized = moving or any(p.setting.startswith("quantize.") for p in spec.search.space.values())
        trained |= {str((base["train"], seed)) for seed in seeds}
        artifacts |= {str((base["train"], base["quantize"], seed)) for seed in seeds}
        varied = section.trials + promoted + confirmed
        return {
            "train": len(trained) + (varied if moving else 0),
            "quantize": len(artifacts) + (varied if requantized else 0),
            "eval": evaluated,
            "audit": len(spec.arms) + spec.confirm_top,
        }
    return {"train": len(trained), "quantize": len(artifacts), "eval": evaluated, "audit": len(spec.arms)}


def plan(sweep: Sweep, store: Store, slots: int) -> dict[str, Any]:
    """Counts and a first estimate; what nothing is known about is null.

    Seconds come from finished jobs of the same kind in the store; a training or evaluation that is bounded by the
    clock takes at most that.
    """
    spec = sweep.spec
    recorded = store.jobs(sweep=spec.name)
    known = slot_seconds(tuple(store.jobs(states=[JobState.DONE])))
    limits: Mapping[str, float | None] = {
        "train": None
        if spec.recipe.train.max_seconds is None
        else spec.recipe.train.max_seconds * spec.recipe.train.gpus,
        "quantize": None,
        "eval": None if spec.recipe.eval.max_seconds is None else spec.recipe.eval.max_seconds * spec.recipe.eval.gpus,
        "audit": spec.audit.seconds,
    }
    stages: dict[str, Any] = {}
    for kind, count in job_counts(spec).items():
        done = sum(job.order.job.kind == kind and job.state == JobState.DONE for job in recorded)
        each, source = (known[kind], "history") if kind in known else (limits[kind], "limit")
        left = max(0, count - done)
        stages[kind] = {
            "jobs": count,
            "done": done,
            "slot_seconds_each": each,
            "source": None if each is None else source,
            "slot_hours": None if each is None else left * each / 3600,
        }
    hours = [stage["slot_hours"] for stage in stages.values() if stage["slot_hours"] is not None]
    total = sum(hours) if hours else None
    price = spec.budget.dollars_per_gpu_hour
    return {
        "name": spec.name,
        "slots": slots,
        "stages": stages,
        "gpu_hours": total,
        "seconds": None if total is None else total * 3600 / slots,
        "dollars": None if total is None or price is None else total * price,
    }
