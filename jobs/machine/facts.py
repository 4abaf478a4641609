"""Facts about a machine that matter before it gets work: collected on the machine, judged elsewhere."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from golf.data.texts import with_byte_files
from golf.data.tokens import find_shards
from golf.errors import InputError
from jobs.machine import environment, software
from jobs.machine.digests import check_digest
from jobs.spec import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPlaces:
    """Paths of a sweep's data, and the digests that a node's copy must have."""

    tokens: str
    tokenizer: str
    train_digest: str
    val_digest: str
    tokenizer_digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFacts:
    """One machine at one moment."""

    machine: Machine
    gpus: int
    """Number of GPUs that torch sees."""
    driver: str | None
    versions: Mapping[str, str]
    commit: str
    """The version of the code that runs there (`software.commit`)."""
    flash_attention: bool
    """Whether the flash-attn package is installed; torch has a kernel of its own."""
    free_bytes: int
    """Free bytes on the disk of temporary files."""
    cores: int
    epoch_seconds: float
    problem: str | None
    """What is wrong with its copy of the data; None if nothing is."""


def collect_facts(data: DataPlaces | None) -> NodeFacts:
    """Facts about this machine and its copy of some data."""
    return NodeFacts(
        machine=environment.machine(),
        gpus=torch.cuda.device_count(),
        driver=_driver(),
        versions=software.versions(),
        commit=software.commit(),
        flash_attention=importlib.util.find_spec("flash_attn") is not None,
        free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
        cores=os.cpu_count() or 1,
        epoch_seconds=time.time(),
        problem=None if data is None else _data_problem(data),
    )


def _data_problem(data: DataPlaces) -> str | None:
    folder = Path(data.tokens)
    try:
        check_digest(find_shards(folder, "train"), data.train_digest, "training tokens")
        check_digest(with_byte_files(find_shards(folder, "val")), data.val_digest, "validation tokens")
        check_digest([Path(data.tokenizer)], data.tokenizer_digest, "tokenizer")
    except InputError as error:
        return str(error)
    return None


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout.strip() else None
