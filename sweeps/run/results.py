"""What sweeps have brought so far: from the store's jobs to evaluations, and from those to the leaderboard.

Only what a row is made from is read, job by job; tables of documents are read where a test pairs them. Of a sweep that
is done nothing can change any more, so its evaluations are kept beside the store.
"""

import contextlib
import difflib
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache
from typing import Any

import pandas as pd

from golf.errors import InputError
from golf.files import write_atomically
from golf.score import nats_per_token_to_bpb
from jobs.files import FileStore
from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord, Store, SweepRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.compare import Pair
from sweeps.board.evaluation import Evaluation, ImportedRow, Published, TextSet
from sweeps.board.leaderboard import open_board
from sweeps.board.rows import Row
from sweeps.board.rules import UNJUDGED, Finding
from sweeps.run.driver import Driver
from sweeps.run.outcome import Outcome
from sweeps.spec.sections import BaselineSection
from sweeps.spec.sweep import Sweep

FORMAT = 3
"""Raised when what is kept of a finished sweep gets another form or meaning."""
TABLES = 512
"""Tables of documents that stay in memory."""
COPIED_SHARE = 0.2
"""Of a document's windows that the training tokens hold: less is a quotation, more a copy."""
UNAUDITED = Finding(code=UNJUDGED, detail="no certificate: nobody has judged its scores from outside yet")
TOO_LITTLE = Finding(code=UNJUDGED, detail="its audit could probe too little within audit.seconds")


def evaluations(sweep: Sweep, driver: Driver, store: Store) -> list[Evaluation]:
    """Every confirmed recipe and seed of a sweep, as the driver sees it."""
    record = store.sweep(sweep.spec.name)
    assert record is not None
    attempts = cache(store.attempts)
    outcomes = driver.confirmed()
    judged = {row: audit_findings(job.outputs or {}) for row, job in driver.audits().items()}
    tried = sum(trial.value is not None for trial in driver.trials())
    return [
        _evaluation(sweep, outcome, attempts, record.created, tried, judged.get(outcome.run.row))
        for outcome in outcomes
    ]


def audit_findings(outputs: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What a finished audit has to say about its row."""
    found = [Finding(code=one["condition"], detail=one["detail"]) for one in outputs["findings"]]
    if copied := [one for one in outputs["overlap"] or () if one["shared"] >= COPIED_SHARE * one["windows"]]:
        first = copied[0]
        share = f"{first['shared']} of {first['windows']} windows of document {first['document']}"
        detail = f"{len(copied)} validation documents are in the training tokens as well: {share}"
        found.append(Finding(code="overlap", detail=detail))
    return (*found, *([] if outputs["judged"] else [TOO_LITTLE]))


def certificates(driver: Driver, files: FileStore) -> dict[str, dict[str, Any]]:
    """The certificate of every audited row, as plain data."""
    outputs = {row: job.outputs or {} for row, job in driver.audits().items()}
    return {row: json.loads(files.get(one["certificate"])) for row, one in outputs.items()}


def board_of(sweep: Sweep | None, place: Workplace) -> Board:
    """The leaderboard of a sweep, imported records beside it, and all other sweeps as what came before.

    Args:
        sweep: whose rows are shown; None where there is none yet, which leaves the records.
        place: the home that it belongs to.
    """
    imported = [ImportedRow.from_json(content) for content in place.store.records()]
    if sweep is None:
        board = open_board(profile="accepted")
        board.add(records=imported)
        return board
    board = open_board(
        profile=sweep.spec.rules,
        baseline=_baseline(sweep.spec.baseline),
        scores=lambda digest: scores(place.files, digest),
    )
    board.add(evaluations(sweep, sweep.driver(place.store, read_only=True), place.store), imported)
    for record in place.store.sweeps():
        if record.name != sweep.spec.name:
            board.add(_remembered(record, place), shown=False)
    return board


def frame_of(sweep: Sweep | None, place: Workplace) -> pd.DataFrame:
    """The leaderboard of a sweep as it stands in the store."""
    return board_of(sweep, place).frame()


def pair_of(challenger: str, incumbent: str, place: Workplace) -> Pair:
    """Two rows by name: SWEEP/ROW, ROW of the latest sweep, or a public record's own.

    Raises:
        InputError: no row goes by a name.
    """
    sweeps = place.store.sweeps()
    latest = Sweep.from_json(sweeps[-1].spec) if sweeps else None
    rows = board_of(latest, place).rows()
    c, i = (find_row(name, rows, latest.spec.name if latest else "") for name in (challenger, incumbent))
    both = {row.sweep for row in (c, i)} - {""}  # public records belong together in nothing but their being public
    kind = (c.track, c.data)
    peers = [row for row in rows if row in (c, i) or (row.sweep in both and (row.track, row.data) == kind)]
    recipes = (_settings(c, place), _settings(i, place))
    return Pair(
        challenger=c, incumbent=i, peers=peers, recipes=recipes, scores=lambda digest: scores(place.files, digest)
    )


def find_row(name: str, rows: Sequence[Row], latest: str) -> Row:
    """The row that a name means.

    Raises:
        InputError: there is none; the nearest are named.
    """
    named = {row.known_as(latest): row for row in rows} | {f"{row.sweep}/{row.name}": row for row in rows if row.sweep}
    if name not in named:
        near = difflib.get_close_matches(name, named, 1, 0.4)
        known = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(named) or 'none yet'}"
        raise InputError(f'row "{name}": no confirmed row of that name; {known}')
    return named[name]


def _settings(row: Row, place: Workplace) -> Mapping[str, Any]:
    """Every setting of a row's recipe; none of a public record's."""
    record = place.store.sweep(row.sweep) if row.sweep else None
    if record is None:
        return {}
    driver = Sweep.from_json(record.spec).driver(place.store, read_only=True)
    return next((one.run.recipe.settings() for one in driver.confirmed() if one.run.row == row.name), {})


@lru_cache(maxsize=TABLES)
def scores(files: FileStore, digest: str) -> pd.DataFrame:
    """A table of documents: document, nll (nats), tokens, bytes."""
    return pd.read_parquet(io.BytesIO(files.get(digest)))


def curves(driver: Driver, files: FileStore) -> dict[str, pd.DataFrame]:
    """Loss by step of every finished training, by its label."""
    found: dict[str, pd.DataFrame] = {}
    for job in driver.finished("train"):
        assert job.outputs is not None
        lines = files.get(job.outputs["metrics"]).decode().splitlines()
        found[job.order.label] = pd.DataFrame([json.loads(line) for line in lines])[["step", "loss"]]
    return found


def _remembered(record: SweepRecord, place: Workplace) -> list[Evaluation]:
    """A sweep's evaluations; once it is done they are read from what was kept."""
    path = place.home.rows(record.name)
    identity = hashlib.sha256(json.dumps([FORMAT, record.spec], sort_keys=True).encode()).hexdigest()
    if record.state == "done":
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # whatever it is, it is gathered anew
            kept = json.loads(path.read_bytes())
            if kept["identity"] == identity:
                return [_from_json(one) for one in kept["evaluations"]]
    try:
        sweep = Sweep.from_json(record.spec)
    except InputError:  # another version's: it must not keep others from being shown
        return []
    found = evaluations(sweep, sweep.driver(place.store, read_only=True), place.store)
    if record.state == "done":
        with contextlib.suppress(OSError):  # a home that may not be written to is only slower
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = {"identity": identity, "evaluations": [asdict(one) for one in found]}
            write_atomically(path, json.dumps(kept).encode())
    return found


def _from_json(kept: Mapping[str, Any]) -> Evaluation:
    """An evaluation as it was kept."""
    changed = {
        "text": TextSet(**kept["text"]),
        "stage": tuple(kept["stage"]),
        "code": tuple(kept["code"]),
        "findings": tuple(Finding(**finding) for finding in kept["findings"]),
    }
    return Evaluation(**{**kept, **changed})


def _evaluation(
    sweep: Sweep,
    outcome: Outcome,
    attempts: Any,
    created: float,
    tried: int,
    judged: Sequence[Finding] | None,
) -> Evaluation:
    train, quantize, evaluation = (_outputs(job) for job in outcome.jobs)
    recipe, is_arm = outcome.run.recipe, outcome.run.row in [arm.name for arm in sweep.spec.arms]
    script = sweep.script(outcome.run.row, recipe)
    tries = [attempt for job in outcome.jobs for attempt in attempts(job.key)]
    costs = [attempt.cost for attempt in tries if attempt.state != AttemptState.RUNNING]
    findings = list((UNAUDITED,) if judged is None else judged)
    if train["resumed"] and recipe.train.max_seconds is not None:
        findings.append(Finding(code="resumed", detail="training was interrupted; its clock cannot be reproduced"))
    clocks = {f"train.{name}": value for name, value in train["clocks"].items()}
    clocks |= {f"eval.{name}": value for name, value in evaluation["clocks"].items()}
    clocks["quantize_seconds"] = quantize["clocks"]["quantize_seconds"]
    before, after = _bpb_of_model(quantize["loss"])
    machine = outcome.jobs[-1].order.job.machine
    return Evaluation(
        row=outcome.run.row,
        seed=outcome.run.seed,
        sweep=sweep.spec.name,
        nll=evaluation["nll"],
        text=TextSet(
            data=sweep.data.val_digest,
            tokenizer=f"{sweep.data.tokenizer.name} {sweep.data.tokenizer_digest[:8]}",
            documents=evaluation["documents"],
            tokens=evaluation["tokens"],
            bytes=evaluation["bytes"],
        ),
        scores=evaluation["scores"],
        artifact=quantize["artifact"],
        weights=train["weights"],
        model_bytes=quantize["ledger"]["model_bytes"],
        code_bytes=len(script.content),
        clocks=clocks,
        cost=None if None in costs else sum(costs),
        stage=(created, 0 if is_arm else 1),
        whole_set=evaluation["documents"] == sweep.data.val_documents,
        source_bytes=script.source_bytes,
        fresh_seed=outcome.run.seed not in sweep.spec.seeds.tune,
        adapts=recipe.eval.adapts,
        trained_bpb=before,
        quantized_bpb=after,
        steps=train["steps"],
        machine=f"{machine.device}, {machine.dtype}, attention {machine.attention}, torch {machine.torch}",
        code=_commits(tries),
        settings=hashlib.sha256(json.dumps(recipe.settings(), sort_keys=True).encode()).hexdigest(),
        trials=0 if is_arm else tried,
        audited=judged is not None,
        findings=tuple(findings),
    )


def _bpb_of_model(loss: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Bits per byte of a model as it is, before and after quantization."""
    if not loss["bytes"]:
        return None, None
    before, after = (nats_per_token_to_bpb(loss[when], loss["tokens"], loss["bytes"]) for when in ("before", "after"))
    return before, after


def _outputs(job: JobRecord) -> Mapping[str, Any]:
    assert job.outputs is not None
    return job.outputs


def _commits(tries: Sequence[AttemptRecord]) -> tuple[str | None, ...]:
    """Commits that the attempts ran, each once; None among them where one is not known."""
    return tuple(sorted({attempt.commit for attempt in tries}, key=str))


def _baseline(given: str | BaselineSection | None) -> str | Published | None:
    if isinstance(given, BaselineSection):
        assert given.mean is not None
        return Published(mean=given.mean, std=given.std, n=given.n)
    return given
