"""Runs in the files of experiment trackers: TensorBoard's events, and offline runs of Weights & Biases."""

import importlib
import os
import re
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.exports.curves import TrackedRun, list_runs


def write_tensorboard(name: str, place: Workplace, folder: Path) -> None:
    """Write a folder of event files for each run; `tensorboard --logdir` shows them.

    Raises:
        InputError: the package is not installed.
    """
    summary = _require("tensorboard.summary", "tensorboard")
    for run in list_runs(name, place):
        writer = summary.Writer(str(folder / run.kind / _folder_name(run.name)))
        for tag, points in run.series.items():
            for step, value in points:
                writer.add_scalar(tag, value, step)
        for tag, value in run.summary.items():
            writer.add_scalar(f"entry/{tag}", value, 0)
        writer.close()


def write_wandb(name: str, place: Workplace, folder: Path) -> None:
    """Write an offline run for each run, in a project of the sweep's name; `wandb sync` uploads them.

    Raises:
        InputError: the package is not installed.
    """
    wandb = _require("wandb", "wandb")
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    try:
        for run in list_runs(name, place):
            offline = wandb.init(
                project=name,
                name=run.name,
                job_type=run.kind,
                config=dict(run.settings),
                dir=str(folder),
                mode="offline",
                reinit="finish_previous",
                settings=wandb.Settings(disable_git=True, save_code=False, console="off", x_disable_stats=True),
            )
            for step, values in _by_step(run):
                offline.log(values, step=step)
            offline.summary.update(dict(run.summary))
            offline.finish()
    finally:
        wandb.teardown()  # else its service outlives the export, and is not ended before this process is
    for path in [*folder.rglob("*")]:
        if path.is_symlink():  # to logs elsewhere, and to the folder's name of now
            path.unlink()


def _by_step(run: TrackedRun) -> list[tuple[int, dict[str, float]]]:
    steps: dict[int, dict[str, float]] = {}
    for tag, points in run.series.items():
        for step, value in points:
            steps.setdefault(step, {})[tag] = value
    return sorted(steps.items())


def _require(module: str, package: str) -> Any:
    """Import a module of an optional package.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError(
            f"--to {package}: the package {package} is not installed; pip install 'golfsweep[{package}]'"
        ) from None


def _folder_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
