"""How a record was scored: mixed settings, partial coverage, wrong byte counts, training data of doubtful origin."""

from golf.data.provenance import CONTEST_DOCUMENTS
from jobs.logs import agree
from sweeps.records.judging.measures import CheckResults
from sweeps.records.judging.sets import BYTES_OFF, CASEOPS, SETS, count_more_bytes, find_named_set, find_set
from sweeps.records.record import Record

CUT = 0.995
"""A set without its last window keeps more than this share of its tokens."""
MOST_SETTINGS = 8
"""Most differing settings that a finding names."""


def check_settings(record: Record) -> CheckResults:
    """Find settings, code or models that differ between logs."""
    runs = record.runs
    parts = []
    for name in sorted({name for run in runs for name in run.log.settings}):
        values = dict.fromkeys(run.log.settings.get(name, "–") for run in runs)
        if len(values) > 1 and "–" not in values:
            parts.append(f"{name} {' / '.join(values)}")
    codes = sorted({run.log.raw_code_bytes for run in runs if run.log.raw_code_bytes})
    if len(codes) > 1:
        parts.append(f"code of {' / '.join(f'{size:,}' for size in codes)} bytes")
    parameters = {run.log.settings["model_params"] for run in runs if "model_params" in run.log.settings}
    claimed = record.claims.parameters
    if claimed is not None and parameters and str(claimed) not in parameters:
        printed = ", ".join(f"{int(count):,}" for count in sorted(parameters) if count.isdecimal())
        yield "other-model", f"{claimed:,} parameters claimed, the logs say {printed}"
    if parts:
        yield "mixed-settings", f"not one configuration: {'; '.join(parts[:MOST_SETTINGS])}"


def check_coverage(record: Record) -> CheckResults:
    """Find logs that score only a part of the validation set."""
    for run in record.runs:
        log = run.log
        known = SETS.get(find_set(log, record.line_of(run)) or "")
        if log.documents == CONTEST_DOCUMENTS - 1:
            yield (
                "document-count",
                f"{run.path}: {log.documents:,} of {CONTEST_DOCUMENTS:,} documents were scored, as phased entries "
                "count them by convention",
            )
        elif log.documents is not None and log.documents < CONTEST_DOCUMENTS:
            yield "coverage", f"{run.path}: {log.documents:,} of {CONTEST_DOCUMENTS:,} documents were scored"
        elif log.document_fraction is not None and log.document_fraction < 1:
            yield "coverage", f"{run.path}: {log.document_fraction:.0%} of the documents were scored"
        elif known is not None and log.val_tokens is not None and log.val_tokens < CUT * known.tokens:
            yield (
                "coverage",
                f"{run.path}: {log.val_tokens:,} tokens scored, the whole set has about {known.tokens:,}",
            )


def check_training_data(record: Record) -> CheckResults:
    """Find trainings that read more shards than are known to be free of validation documents."""
    counts: dict[str, int] = {}
    for run in record.runs:
        known = SETS.get(find_set(run.log, record.line_of(run)) or "")
        shards = run.log.settings.get("train_shards", "")
        if known and known.clean_shards and shards.isdecimal() and int(shards) > known.clean_shards:
            counts[run.path] = int(shards)
    if counts:
        path, most = max(counts.items(), key=lambda item: item[1])
        yield (
            "training-data",
            f"{path}: {most:,} training shards of a CaseOps set, where clean runs read "
            f"{SETS[CASEOPS].clean_shards}: overlap with the validation set is not excluded (a suspicion, no proof)",
        )


def check_byte_counts(record: Record) -> CheckResults:
    """Find scores whose ratio to the loss shows another number of bytes, or another tokenizer than is named."""
    for seed, run in record.counted.items():
        line = record.score_of(seed)
        named, actual = find_named_set(run.log), find_set(run.log, line)
        if line is None or named is None or actual is None or not line.loss:
            continue
        if agree(line.loss, line.bpb):
            yield "byte-count", f"{run.path}: {line.name} gives {line.bpb} as loss and as bits per byte"
            continue
        more, unit = count_more_bytes(line, SETS[actual]), line.bpb / line.loss
        if named != actual:
            yield (
                "set-name",
                f"{run.path}: its data set is named {run.log.data}, but a nat per token is {unit:.4f} bits per byte, "
                f"as on a CaseOps set of 8,192 pieces ({SETS[actual].bpb_per_nat}); judged as one",
            )
        elif more is not None and abs(more) > BYTES_OFF:
            yield (
                "byte-count",
                f"{run.path}: {line.name} counts {more:+.1%} bytes: a nat per token is {unit:.4f} "
                f"bits per byte, with {run.log.data} elsewhere {SETS[actual].bpb_per_nat}",
            )
