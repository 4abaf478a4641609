"""What a sweep has brought so far: from the store's jobs and scores to leaderboard rows, trials and training curves."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from jobs.files import FileStore
from jobs.store import Store
from sweeps.driver import Driver, Outcome
from sweeps.file import BaselineSection
from sweeps.leaderboard import Evaluation, Published, leaderboard
from sweeps.rules import UNJUDGED, Finding
from sweeps.sweep import Sweep

UNAUDITED = Finding(code=UNJUDGED, detail="no certificate: nobody has judged its scores from outside yet")
TOO_LITTLE = Finding(code=UNJUDGED, detail="its audit could probe too little within audit.seconds")


def evaluations(sweep: Sweep, driver: Driver, store: Store, files: FileStore) -> list[Evaluation]:
    """Every confirmed recipe and seed of a sweep, as of the driver's last look."""
    record = store.sweep(sweep.spec.name)
    assert record is not None
    judged = {row: audit_findings(job.outputs or {}) for row, job in driver.audits().items()}
    return [
        _evaluation(sweep, outcome, store, files, record.created, judged.get(outcome.run.row, (UNAUDITED,)))
        for outcome in driver.confirmed()
    ]


def audit_findings(outputs: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What a finished audit has to say about its row."""
    found = [Finding(code=one["condition"], detail=one["detail"]) for one in outputs["findings"]]
    return (*found, *([] if outputs["judged"] else [TOO_LITTLE]))


def certificates(driver: Driver, files: FileStore) -> dict[str, dict[str, Any]]:
    """The certificate of every audited row, as plain data."""
    outputs = {row: job.outputs or {} for row, job in driver.audits().items()}
    return {row: json.loads(files.get(one["certificate"])) for row, one in outputs.items()}


def frame_of(sweep: Sweep, store: Store, files: FileStore) -> pd.DataFrame:
    """The leaderboard of a sweep as it stands in the store."""
    driver = sweep.driver(store, read_only=True)
    driver.step()
    found = evaluations(sweep, driver, store, files)
    return leaderboard(found, profile=sweep.spec.rules, baseline=_baseline(sweep.spec.baseline))


def curves(driver: Driver, files: FileStore) -> dict[str, pd.DataFrame]:
    """Loss by step of every finished training, by its label."""
    found: dict[str, pd.DataFrame] = {}
    for job in driver.finished("train"):
        assert job.outputs is not None
        lines = files.get(job.outputs["metrics"]).decode().splitlines()
        found[job.order.label] = pd.DataFrame([json.loads(line) for line in lines])[["step", "loss"]]
    return found


def _evaluation(
    sweep: Sweep, outcome: Outcome, store: Store, files: FileStore, created: float, judged: Sequence[Finding]
) -> Evaluation:
    train, quantize, evaluation = (job.outputs for job in outcome.jobs)
    assert train is not None and quantize is not None and evaluation is not None
    costs = [attempt.cost for job in outcome.jobs for attempt in store.attempts(job.key) if attempt.cost is not None]
    recipe, is_arm = outcome.run.recipe, outcome.run.row in [arm.name for arm in sweep.spec.arms]
    findings = list(judged)
    if train["resumed"] and recipe.train.max_seconds is not None:
        findings.append(Finding(code="resumed", detail="training was interrupted; its clock cannot be reproduced"))
    clocks = {f"train.{name}": value for name, value in train["clocks"].items()}
    clocks |= {f"eval.{name}": value for name, value in evaluation["clocks"].items()}
    clocks |= quantize["clocks"]
    return Evaluation(
        row=outcome.run.row,
        seed=outcome.run.seed,
        documents=pd.read_parquet(io.BytesIO(files.get(evaluation["scores"]))),
        data=sweep.data.val_digest,
        artifact=quantize["artifact"],
        model_bytes=quantize["ledger"]["model_bytes"],
        code_bytes=quantize["ledger"]["code_bytes"],
        train_seconds=train["clocks"]["train_seconds"],
        eval_seconds=evaluation["clocks"]["eval_seconds"],
        max_train_seconds=recipe.train.max_seconds,
        max_eval_seconds=recipe.eval.max_seconds,
        clocks=clocks,
        cost=sum(costs) if costs else None,
        stage=(created, 0 if is_arm else 1),
        whole_set=evaluation["documents"] == sweep.data.val_documents,
        fresh_seed=outcome.run.seed not in sweep.spec.seeds.tune,
        findings=tuple(findings),
    )


def _baseline(given: str | BaselineSection | None) -> str | Published | None:
    if isinstance(given, BaselineSection):
        assert given.mean is not None
        return Published(mean=given.mean, std=given.std, n=given.n)
    return given
