"""Exporting a sweep in one of the known forms, whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from golf.errors import InputError
from jobs.workplace import Workplace


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportForm:
    """A form, and the function that writes it."""

    write: str
    """MODULE:FUNCTION, loaded when it is used: some load large packages."""
    suffix: str = ""
    """Of its file; a form without one is a folder."""


FORMS: Mapping[str, ExportForm] = {
    "csv": ExportForm(write="sweeps.exports.tables:write_csv"),
    "parquet": ExportForm(write="sweeps.exports.tables:write_parquet"),
    "optuna": ExportForm(write="sweeps.exports.optuna_study:write_study", suffix=".db"),
    "wandb": ExportForm(write="sweeps.exports.trackers:write_wandb"),
    "tensorboard": ExportForm(write="sweeps.exports.trackers:write_tensorboard"),
}


def export_sweep(name: str, form: str, place: Workplace, out: Path | None = None) -> Path:
    """Write a sweep's results, by default to SWEEP-FORM in the current directory; returns where they are.

    Raises:
        InputError: an unknown form or sweep, nothing to export, a package that is not installed, or a path that is
            there already or cannot be written.
    """
    if form not in FORMS:
        raise InputError(f"--to {form}: expected one of {', '.join(FORMS)}")
    chosen = FORMS[form]
    path = out or Path(f"{name}-{form}{chosen.suffix}")
    if path.exists() or path.is_symlink():
        raise InputError(f"{path}: exists already and is not overwritten; name another one by --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"--out {path}: cannot be made ({error.strerror}); name another one") from None
    try:
        target = staging / f"export{chosen.suffix}" if chosen.suffix else staging
        _load(chosen)(name, place, target)
        target.chmod(0o644 if chosen.suffix else 0o755)
        os.rename(target, path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return path


def _load(form: ExportForm) -> Callable[[str, Workplace, Path], None]:
    module, _, function = form.write.partition(":")
    write: Callable[[str, Workplace, Path], None] = getattr(import_module(module), function)
    return write
