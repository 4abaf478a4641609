"""How a record was scored: protocols that leak, mixed settings, partial coverage, wrong byte counts."""

from jobs.logs import agree
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record

DOCUMENTS = 50_000
"""Documents of the challenge's validation set."""
VAL_TOKENS = {"sp1024": 62_021_632, "sp4096": 45_508_608, "sp8192": 40_540_160}
"""Its tokens under the challenge's tokenizers, cut to whole windows."""
BPB_PER_NAT = {
    "sp1024": 0.59226,
    "sp4096": 0.43459,
    "sp8192": 0.38713,
    "sp8192_caseops": 0.45696,
    "sp8192_lossless_caps_caseops_v1_reserved": 0.45696,
}
"""Bits per byte of one nat per token on it; the public logs agree on five digits, whatever was trained."""
BYTES_OFF = 0.035
"""Share from which a byte count is wrong: the smallest known mistake, byte fallback counted as 3 bytes, is 4.1 %."""
CUT = 0.995
"""A set without its last window keeps more than this share of its tokens."""
MOST_SETTINGS = 8
"""Most differing settings that a finding names."""


def check_leaks(record: Record) -> CheckResults:
    """Find protocols that break the conditions C2, C3 and C4."""
    factors = sorted({run.log.factor for run in record.runs if run.log.factor not in (None, 1.0)}, key=str)
    epochs = max((run.log.epochs or 1 for run in record.runs), default=1)
    if record.claims.min_nll or any(run.log.min_nll for run in record.runs):
        yield "C4", f"keeps the lowest of {epochs if epochs > 1 else 'several'} scores of each document (min-NLL)"
    if epochs > 1:
        yield "C3", f"trains on each document for {epochs} epochs and scores it in them, after training on it"
    if any(run.log.mixes for run in record.runs):
        yield "mixture", "scores mix in counts of scored text; no log can show whether the mixture is normalized (C2)"
    for factor in factors:
        yield "C2", f'the loss is scaled ("temp:{factor:g}"), so the probabilities do not sum to 1'


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
        if log.documents is not None and log.documents < DOCUMENTS:
            yield "coverage", f"{run.path}: {log.documents:,} of {DOCUMENTS:,} documents were scored"
        elif log.document_fraction is not None and log.document_fraction < 1:
            yield "coverage", f"{run.path}: {log.document_fraction:.0%} of the documents were scored"
        elif log.val_tokens is not None and log.val_tokens < CUT * VAL_TOKENS.get(log.data or "", 0):
            whole = VAL_TOKENS[log.data or ""]
            yield "coverage", f"{run.path}: {log.val_tokens:,} tokens scored, the whole set has about {whole:,}"


def check_byte_counts(record: Record) -> CheckResults:
    """Find scores whose ratio to the loss shows another number of bytes."""
    for seed, run in record.counted.items():
        line, usual = record.score_of(seed), BPB_PER_NAT.get(run.log.data or "")
        if line is None or usual is None or not line.loss or not line.bpb:
            continue
        more = usual * float(line.loss / line.bpb) - 1
        if agree(line.loss, line.bpb):
            yield "byte-count", f"{run.path}: {line.name} gives {line.bpb} as loss and as bits per byte"
        elif abs(more) > BYTES_OFF:
            yield (
                "byte-count",
                f"{run.path}: {line.name} counts {more:+.1%} bytes: a nat per token is {line.bpb / line.loss:.4f} "
                f"bits per byte, with {run.log.data} elsewhere {usual}",
            )
