"""The folder in which a script's code runs: what lies in it, what placeholders stand for, what the node must have."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from golf.files import write_atomically
from jobs.errors import NotReady
from jobs.scripts.preflight import Preflight, check_node
from jobs.scripts.results.outputs import inside
from jobs.scripts.run import ScriptRun

SCRIPT = "script"
"""The input that is the script."""
SETUPS = "setups"
"""The folder of set-ups, beside that of all attempts."""


def put_code(
    run: ScriptRun, folder: Path, place: Path, inputs: Mapping[str, bytes]
) -> tuple[dict[str, bytes], Mapping[str, str | None]]:
    """Make sure that the node can run a script, and put its files and present outputs into an empty folder.

    Args:
        run: the script.
        folder: of the attempt.
        place: the folder to fill; what is in it is removed.
        inputs: contents by name.

    Returns:
        The script's files by name, and the runtime of its interpreter.

    Raises:
        InputError: a name leads out of the folder.
        NotReady: this node lacks something that the script needs.
    """
    code = {run.file: inputs[SCRIPT], **{name: inputs[f"file:{name}"] for name in run.files}}
    places = {inside(place, name, "file"): content for name, content in code.items()}
    checked = check_node(_preflight(run, code), folder.parents[2] / SETUPS, os.environ)
    if checked.problems:
        raise NotReady(*checked.problems)
    shutil.rmtree(place, ignore_errors=True)  # the kept files of an attempt that was begun here before
    place.mkdir(parents=True)
    for path, content in places.items():
        write_atomically(path, content)
    for role, name in run.present.items():
        write_atomically(inside(place, name, f"output {role}"), inputs[f"in:{role}"])
    return code, checked.runtime


def _preflight(run: ScriptRun, code: Mapping[str, bytes]) -> Preflight:
    """What this node must have."""
    tokens, tokenizer = run.places.get("tokens"), run.places.get("tokenizer")
    return Preflight(
        file=run.file,
        python=run.python,
        contents=code,
        setup=run.setup,
        needs=run.needs,
        passed=run.passed,
        ranks=run.slots,
        tokens=None if tokens is None else Path(tokens),
        tokenizer=None if tokenizer is None else Path(tokenizer),
        digests=run.digests,
        runtime=run.runtime,
    )


def values_of(run: ScriptRun, place: Path) -> dict[str, str]:
    """What each placeholder stands for."""
    values = {"out": str(place), "run": f"golfsweep-{secrets.token_hex(8)}", "seed": str(run.seed)}
    if (tokens := run.places.get("tokens")) is not None:
        above = Path(tokens).parent
        values |= {"data": tokens, "data_dir": str(above.parent if above.name == "datasets" else above)}
    if (tokenizer := run.places.get("tokenizer")) is not None:
        values["tokenizer"] = tokenizer
    return values | {f"in.{role}": str(place / name) for role, name in {**run.present, **run.keep}.items()}
