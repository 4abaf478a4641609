"""Plans and states of sweeps in short."""

from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.views.brief.fitting import fit
from sweeps.views.verdicts.commands import CommandWords

MOST_SWEEPS = 20


def brief_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan without its jobs: how many there are of each stage, time, cost, and how sure that is.

    Args:
        plan: what `golfsweep plan --json` prints.
    """
    stages = {
        name: {key: stage[key] for key in ("jobs", "done", "slot_hours")} for name, stage in plan["stages"].items()
    }
    kept = ("name", "nodes", "slots", "gpu_hours", "seconds", "dollars", "range", "device", "unknown", "complete")
    refused = sum(job["state"] == "refused" for job in plan["jobs"])
    facts = {key: plan[key] for key in kept}
    return fit(facts | {"stages": stages, "refused_jobs": refused, "assumed": plan["assumed"]}, ["assumed", "unknown"])


def brief_status(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The state of a sweep, or of several, the latest first.

    Args:
        states: each as `sweeps.views.status.state_of` gives it.
    """
    if len(states) == 1:
        return brief_state(states[0])
    newest = [
        {"name": state["name"], "state": state["state"], "jobs": _nonzero(state["jobs"])} for state in reversed(states)
    ]
    return fit({"sweeps": newest}, ["sweeps"])


def brief_state(state: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The state of one sweep: counts, money, what runs, why jobs wait or failed; and further facts."""
    driver = state["driver"]
    return fit(
        {
            "name": state["name"],
            "state": state["state"],
            "reason": state["reason"],
            "driver": None if driver is None else {"host": driver["host"], "pid": driver["pid"]},
            "gpu_hours": {key: state["gpu_hours"][key] for key in ("spent", "budget")},
            "dollars": state["dollars"],
            "jobs": _nonzero(state["jobs"]),
            "stages": {name: _nonzero(counts) for name, counts in state["stages"].items()},
            "running": [_brief_job(job, "fraction", "note") for job in state["running"]],
            "waiting": [_brief_job(job, "reason") for job in state["waiting"]],
            "failed": [_brief_job(job, "reason", "explanation") for job in state["failed"]],
            "next": CommandWords(sweep=state["name"]).retry() if state["failed"] else None,
            **more,
        },
        ["running", "waiting", "failed", "log_end"],
    )


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _brief_job(job: Mapping[str, Any], *facts: str) -> dict[str, Any]:
    return {"key": job["key"][:12], "label": job["label"], **{fact: job[fact] for fact in facts}}
