"""Checking entries against their evidence: jobs, score tables and certificates are read and summed up once more.

An entry is a row of a database, which anybody with access can write. So nothing of it is believed that can be
recomputed: the leaderboard holds every entry against its evidence before it ranks it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from golf.errors import InputError, shown, shown_name
from jobs.errors import Unreadable
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.store import EntryRecord, JobRecord, Store, SweepRecord
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import EVIDENCE_CODE, RuleFinding
from sweeps.entries.checking.audits import check_audits
from sweeps.entries.checking.code_size import check_native_code
from sweeps.entries.checking.mismatch import Mismatch, check_input, find_job, say_no_job
from sweeps.entries.checking.recomputed import Sources, compare_evidence, compare_fields, read_spec
from sweeps.entries.checking.scripts import check_script, is_script_entry
from sweeps.entries.form import digest_settings, evaluations_of, job_keys, list_wrong_numbers, trained_keys
from sweeps.entries.lost import Lost, LostKind
from sweeps.entries.numbers import is_number
from sweeps.entries.shape import check_entry
from sweeps.entries.tables import read_scores

ROUNDING = 1e-9
"""Relative difference of sums of the same numbers in another order."""
TRAINED = (TRAIN.name, QUANTIZE.name)
"""Stages of a seed that is trained and not evaluated."""
SETTINGS = {TRAIN.name: ("train",), QUANTIZE.name: ("quantize",), EVALUATE.name: ("eval",)}
"""Stage → tables of a recipe that its job has whole."""
KEYS_AT_ONCE = 5_000
"""Keys in one query; databases limit them."""
STAGES = (TRAIN.name, QUANTIZE.name, EVALUATE.name)
"""Stages of which every seed of an entry has a job."""


def verify_entry(entry: EntryRecord, place: Workplace) -> list[Mismatch]:
    """Recompute what an entry says from its evidence.

    Returns:
        One for each mismatch: of a job's key, settings or outputs, of a score against its table of documents, of
        findings against the certificate, of a certificate against itself. Empty where everything agrees.
    """
    entry = check_entry(entry)
    return _check(entry, place, _read_sources([entry], place))


def judge_evidence(entries: Sequence[EntryRecord], place: Workplace, lost: Lost) -> dict[tuple[str, str], RuleFinding]:
    """Findings on entries that contradict their evidence, by sweep and name: each is off its track.

    Where a content is lost, which a run makes again, the outcome of the job that made it stands in for it.

    Args:
        entries: of any sweeps.
        place: the home that holds them.
        lost: collects what could not be read.
    """
    entries = [check_entry(entry) for entry in entries]
    sources = _read_sources(entries, place)
    findings: dict[tuple[str, str], RuleFinding] = {}
    for entry in entries:
        mismatches = _check(entry, place, sources)
        if lines := [mismatch.line for mismatch in mismatches if mismatch.lost is None]:
            findings[entry.sweep, entry.name] = _summarize(lines)
        for kind in dict.fromkeys(mismatch.lost for mismatch in mismatches):
            if kind is not None:
                lost.note(kind, f"{entry.sweep}/{entry.name}")
    return findings


def _summarize(lines: Sequence[str]) -> RuleFinding:
    more = f" (and {len(lines) - 1} more; golfsweep show SWEEP/ENTRY lists all)" if len(lines) > 1 else ""
    return RuleFinding(code=EVIDENCE_CODE, detail=f"its evidence contradicts it: {lines[0]}{more}")


def _read_sources(entries: Iterable[EntryRecord], place: Workplace) -> Sources:
    """The evidence for entries: their jobs, all attempts at these, and their sweeps."""
    entries, store = [*entries], place.store
    keys = {key for entry in entries for key in (*job_keys(entry), *trained_keys(entry))}
    wanted = sorted(keys)
    parts = [wanted[first : first + KEYS_AT_ONCE] for first in range(0, len(wanted), KEYS_AT_ONCE)]
    names = dict.fromkeys(entry.sweep for entry in entries)
    sweeps = {name: record for name in names if (record := store.sweep(name)) is not None}
    return Sources(
        jobs={job.key: job for part in parts for job in store.jobs(keys=part)},
        attempts={key: tries for part in parts for key, tries in store.attempts_at(part).items()},
        sweeps=sweeps,
        trials={name: _count_trials(record, store) for name, record in sweeps.items()},
    )


def _count_trials(sweep: SweepRecord, store: Store) -> int:
    """Settings that a sweep's search has scored; a longer search of another day may have drawn more."""
    search, most = (read_spec(sweep.spec, "board", name) for name in ("search", "trials"))
    if not isinstance(search, str) or not isinstance(most, int):
        return 0
    trials = store.trials(sweep.name, search)
    return sum(trial.value is not None and trial.number < most for trial in trials)


def _check(entry: EntryRecord, place: Workplace, sources: Sources) -> list[Mismatch]:
    """What of an entry does not agree with its evidence; rows of jobs may hold anything, as its own may."""
    try:
        return [*_list_mismatches(entry, place, sources)]
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {shown_name(str(error))}"
        return [Mismatch(line=f"this version cannot read its evidence ({why})")]


def _list_mismatches(entry: EntryRecord, place: Workplace, sources: Sources) -> Iterator[Mismatch]:
    if not entry.content["evaluations"]:
        yield Mismatch(line=entry.withdrawn or "it has no evaluations")
        return
    if wrong := list_wrong_numbers(entry):  # nothing else of it can be compared
        yield from (Mismatch(line=line) for line in wrong)
        return
    runs, jobs = evaluations_of(entry), sources.jobs
    seeds = sorted(str(run.seed) for run in runs)
    if seeds != sorted(entry.evidence["seeds"]):
        yield Mismatch(line=f"it has evaluations of seeds {', '.join(seeds)}, and evidence of others")
        return
    if is_script_entry(entry):
        yield from check_script(entry, runs, place, sources)
        return
    ledgers = list[Mapping[str, Any]]()
    settings = digest_settings(entry.content["settings"])
    for run in runs:
        stages = entry.evidence["seeds"][str(run.seed)]["jobs"]
        made = {stage: job for stage, key in stages.items() if (job := find_job(key, stage, jobs)) is not None}
        lines = [*_check_jobs(run, entry, jobs)]
        if all(stage in made for stage in STAGES):
            lines += [
                *compare_fields(run, entry, made, sources, settings),
                *compare_evidence(run, entry, made, sources),
            ]
            ledgers += [] if (outputs := made[QUANTIZE.name].outputs) is None else [outputs["ledger"]]
        yield from (Mismatch(line=f"seed {run.seed}: {line}") for line in lines)
        yield from _check_scores(run, entry.evidence["seeds"][str(run.seed)], place, jobs)
    sweep = sources.sweeps.get(entry.sweep)
    if ledgers and sweep is not None and read_spec(sweep.spec, "data", "tuning_documents") is not None:
        yield from (Mismatch(line=line) for line in check_native_code(runs, entry, ledgers, sweep))
    yield from (Mismatch(line=line) for line in _check_trainings(entry, jobs))
    yield from check_audits(entry, runs, place, jobs)


def _check_jobs(run: Evaluation, entry: EntryRecord, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """Jobs must be of this seed and recipe, use each other's outputs, and give what the entry says."""
    evidence = entry.evidence["seeds"][str(run.seed)]
    outputs: dict[str, Any] = {}
    yield from _check_chain({**dict.fromkeys(STAGES, ""), **evidence["jobs"]}, run.seed, entry, jobs, outputs)
    evaluation = find_job(evidence["jobs"].get(EVALUATE.name, ""), EVALUATE.name, jobs)
    if evaluation is not None and (read := evaluation.order.job.inputs["tokens"]) != run.text.data:
        yield f"its eval job read tokens {read[:12]}, not {run.text.data[:12]}"
    for name in ("weights", "artifact", "scores"):  # metrics differ whenever a training is done again
        if name in outputs and outputs[name] != evidence[name]:
            yield f"its job made {name} {outputs[name][:12]}, the entry has {evidence[name][:12]}"
        elif name != "scores" and getattr(run, name) not in (None, evidence[name]):
            yield f"it shows {name} {getattr(run, name)[:12]}, its evidence has {evidence[name][:12]}"
    size = outputs.get("ledger", {}).get("model_bytes", run.model_bytes)
    if size != run.model_bytes:
        yield f"its artifact has {size} bytes, the entry says {run.model_bytes}"


def _check_chain(
    keys: Mapping[str, str], seed: int, entry: EntryRecord, jobs: Mapping[str, JobRecord], outputs: dict[str, Any]
) -> Iterator[str]:
    """A seed's jobs must be of that seed and of the entry's recipe, and each use what the one before made.

    Args:
        keys: of the jobs by stage.
        seed: of all of them.
        entry: theirs.
        jobs: by key.
        outputs: is filled with what they gave, other than clocks.
    """
    for stage, key in keys.items():
        job = find_job(key, stage, jobs)
        if job is None:
            yield say_no_job(stage, key)
            continue
        outputs |= {name: value for name, value in (job.outputs or {}).items() if name != "clocks"}
        if job.order.job.seed != seed:
            yield f"its {stage} job has seed {job.order.job.seed}"
        yield from check_input(stage, job, outputs)
        for name in SETTINGS.get(stage, ()):
            if job.order.job.settings[name] != entry.content["settings"][name]:
                yield f"its {stage} job has other settings than the entry"


def _check_trainings(entry: EntryRecord, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """The seeds that were trained and not evaluated must be of the entry's recipe, too."""
    for seed, keys in entry.evidence.get("trained_only", {}).items():
        for line in _check_chain(dict.fromkeys(TRAINED, "") | keys, int(seed), entry, jobs, {}):
            yield f"seed {seed}: {line}"


def _check_scores(
    run: Evaluation, evidence: Mapping[str, Any], place: Workplace, jobs: Mapping[str, JobRecord]
) -> Iterator[Mismatch]:
    """The score must be the sum of its table, which must be that of the evidence."""
    if run.scores != evidence["scores"]:
        yield Mismatch(
            line=f"seed {run.seed}: its scores are {str(run.scores)[:12]}, its evidence has {evidence['scores'][:12]}"
        )
    if run.scores is None:
        return
    source = "score table"
    try:
        sums = _sum_up(run.scores, place)
    except Unreadable as error:
        yield Mismatch(line=f"seed {run.seed}: its score table cannot be read: {error}", lost=LostKind.SCORES)
        job = jobs.get(evidence["jobs"].get(EVALUATE.name, ""))
        source, sums = "eval job", {} if job is None or job.outputs is None else job.outputs
    except InputError as error:
        yield Mismatch(line=f"seed {run.seed}: its score table cannot be read: {error}")
        return
    stated = {"documents": run.text.documents, "tokens": run.text.tokens, "bytes": run.text.bytes, "nll": run.nll}
    for name, value in stated.items():
        if name in sums and not _is_close(value, sums[name]):
            line = f"its {source} gives {name} {_write(sums[name])}, the entry says {shown(value)}"
            yield Mismatch(line=f"seed {run.seed}: {line}")


def _write(number: Any) -> str:
    return f"{number:.10g}" if is_number(number) else shown(number)


def _is_close(stated: float | None, computed: float) -> bool:
    try:
        return stated is not None and math.isclose(stated, computed, rel_tol=ROUNDING)
    except OverflowError:  # JSON holds whole numbers beyond all floats
        return False


def _sum_up(scores: str, place: Workplace) -> Mapping[str, float]:
    """Documents, tokens, bytes and nats of a score table, by its digest."""
    table = read_scores(place.files, scores)
    sums = {name: math.fsum(table[name]) for name in ("tokens", "bytes", "nll")}
    return {"documents": float(len(table["document"])), **sums}
