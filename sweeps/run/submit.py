"""Handing a sweep to a cluster: the same command, run there by Ray Jobs beside the cluster's head."""

import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from cluster.ray.jobs import submit_job
from golf.errors import InputError
from jobs.secrets import has_password, hide_password
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.resolve import script_paths

CLUSTER_HOME = "~/.golfsweep"
"""Home on the cluster unless another is named; its shell puts the user's folder in place of the tilde."""
FINAL = "1|2|129|130|143"
"""Exit codes after which a driver is not started again: failed, bad input, stopped. Others are accidents."""


def submit(
    file: Path,
    spec: SweepSpec,
    assignments: Sequence[str],
    address: str,
    home: str,
    files: str | None,
    *,
    owner: str,
    agent: str | None = None,
) -> dict[str, Any]:
    """Hand a checked sweep file to a cluster.

    Args:
        file, spec: the file, and what it says.
        assignments: `--set` values.
        address: of the cluster's dashboard or head.
        home: a folder of the cluster's head: absolute, or under "~".
        files: folder or URL of the file store instead of the home's.
        owner: whose a new sweep is; the cluster knows only its own user.
        agent: name of the agent that hands it over; None for a person.

    Returns:
        The job's id, the command that runs on the cluster, and how to follow it.

    Raises:
        InputError: a path that means nothing on the cluster, or no job server takes it.
    """
    if not home.startswith(("/", "~/")):
        raise InputError(f"--home {home}: expected a folder of the cluster's head, e.g. {CLUSTER_HOME} or /data/golf")
    for key, path in (("data.tokens", spec.data.tokens), ("data.tokenizer", spec.data.tokenizer)):
        if path not in (None, "demo") and not PurePosixPath(str(path)).is_absolute():
            raise InputError(f"{file}: {key} = {path}: every node has to find it; give an absolute path")
    if files is not None and has_password(files):
        raise InputError(
            f"--files {hide_password(files)}: everybody who sees the cluster could read its key; set it in the "
            f"environment of the cluster's head instead"
        )
    words = ["golfsweep", "run", "sweep.toml", *(word for assignment in assignments for word in ("--set", assignment))]
    words += ["--owner", owner, *([] if agent is None else ["--agent", agent])]
    words += [] if files is None else ["--files", files]
    where = "~/" + shlex.quote(home[2:]) if home.startswith("~/") else shlex.quote(home)
    run = f'{shlex.join(words)} --home {where} --ray "$RAY_ADDRESS"'
    command = f"until {run}; do code=$?; case $code in {FINAL}) exit $code;; esac; sleep 10; done"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(file, Path(folder) / "sweep.toml")
        for path in files_of(spec, str(file)):
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, Path(folder) / path)
        job = submit_job(address, command, Path(folder), spec.name)
    shown = hide_password(address)
    follow = f"ray job logs --address {shown} --follow {job}"
    return {"job": job, "command": command, "address": shown, "follow": follow}


def files_of(spec: SweepSpec, where: str) -> list[str]:
    """Files of a script and its patches, which go to the cluster at the same places below the current directory.

    Raises:
        InputError: one of them lies elsewhere, or is missing.
    """
    paths = script_paths(spec)
    for path in paths:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or not Path(path).is_file():
            raise InputError(f"{where}: {path}: not a file below the current directory; only such are sent along")
    return paths
