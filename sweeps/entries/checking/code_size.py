"""Checking the size of an entry's code, which counts against the limit: the script is made once more where need be."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.store import EntryRecord, SweepRecord
from sweeps.board.evaluation import Evaluation
from sweeps.entries.checking.recomputed import read_spec

VERSIONS_FACTOR = 2
"""Scripts of two versions of golfsweep differ in size by less than this factor."""


def check_native_code(
    runs: Sequence[Evaluation], entry: EntryRecord, ledgers: Sequence[Mapping[str, Any]], sweep: SweepRecord
) -> Iterator[str]:
    """The code of all seeds must have the size of the script that the recipe is submitted as.

    The script of a version that is neither this one nor the one that quantized cannot be made again; then its size must
    be near those of the two.

    Args:
        runs: one for each seed.
        entry: holds them.
        ledgers: of their quantizations, which wrote down what a script without name and settings has.
        sweep: the record of its sweep.
    """
    from golf.entry.bundle import added_bytes, bundle  # reads the sources of golf

    title = f"{entry.sweep}/{entry.name}"
    settings = {**entry.content["settings"], "holdout_documents": read_spec(sweep.spec, "data", "tuning_documents")}
    added = added_bytes(title, settings)
    at_quantization = [(ledger["code_bytes"] + added, ledger.get("source_bytes")) for ledger in ledgers]
    for stated in dict.fromkeys((run.code_bytes, run.source_bytes) for run in runs):
        if stated in at_quantization:
            continue
        script = bundle(title, settings)
        made = (len(script.content), script.source_bytes)
        if stated == made:
            continue
        same_version = hashlib.sha256(script.content).hexdigest() == entry.evidence["code"]["script"]
        if same_version or not _is_near(stated, made):
            yield f"its script has {made[0]:,} bytes ({made[1]:,} as written), the entry says {_join(stated)}"


def check_script_code(run: Evaluation, entry: EntryRecord, sweep: SweepRecord) -> Iterator[str]:
    """The code must be the version of the script that the sweep read from disk, with its size."""
    patch = entry.content["settings"]["script"]["patch"] or ""
    version = read_spec(sweep.spec, "code", "versions", patch)
    if version is None:
        yield f"its sweep has no script after patch {patch or 'none'}"
        return
    if version["script"] != entry.evidence["code"]["script"]:
        yield f"its sweep's script is {version['script'][:12]}, the entry has {entry.evidence['code']['script'][:12]}"
    stated = (run.code_bytes, run.source_bytes)
    if stated != (version["bytes"], None):
        yield f"its script and files have {version['bytes']:,} bytes, the entry says {_join(stated)}"


def _is_near(stated: tuple[int, int | None], made: tuple[int, int]) -> bool:
    sizes = [(size, other) for size, other in zip(stated, made, strict=True) if size is not None]
    return all(other / VERSIONS_FACTOR <= size <= other * VERSIONS_FACTOR for size, other in sizes)


def _join(stated: tuple[int, int | None]) -> str:
    shipped, written = stated
    return f"{shipped:,}" if written is None else f"{shipped:,} ({written:,} as written)"
