"""Start a sweep file: init."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from golf.errors import InputError
from golf.files import read_regular
from sweeps.cli.app import JsonOption, app, print_json

OUT = Path("sweep.toml")


@app.command()
def init(
    script: Annotated[
        Path | None, typer.Argument(metavar="SCRIPT", help="A training script of yours; without one, a native sweep.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The sweep file to write.")] = OUT,
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", metavar="FILE", help="A file that the script imports or reads.")
    ] = None,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="GPUs of each run of the script.")] = 8,
    python: Annotated[
        str | None, typer.Option("--python", metavar="FILE", help="The interpreter that runs the script.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Write a commented sweep file to start from.

    For a script, the file has its environment variables with their defaults, its outputs, the lines with its scores
    and the stages that it can be run as, all read from its source; nothing of it is executed.

    Example: golfsweep init train_gpt.py
    """
    from jobs.scripts.source import read_source
    from jobs.scripts.source.limits import MAX_SOURCE_BYTES
    from sweeps.spec.drafts.native import draft_native_sweep
    from sweeps.spec.drafts.script import ScriptDraft, draft_script_sweep

    if script is None:
        if beside:
            raise InputError("--beside: files lie beside a script; name the script, too")
        source, text = None, draft_native_sweep(str(out))
    else:
        content = read_regular(script, MAX_SOURCE_BYTES, "expected a training script")
        files = {path.name: read_regular(path, MAX_SOURCE_BYTES, "expected a file") for path in beside or ()}
        source = read_source(content, files, name=script.name)
        interpreter = python or shutil.which("python3") or "/usr/bin/python3"
        draft = ScriptDraft(
            sweep_file=str(out),
            file=str(script),
            files=[str(path) for path in beside or ()],
            python=interpreter,
            gpus=gpus,
        )
        text = draft_script_sweep(draft, source)
    _write_new(out, text)
    if json_:
        document = {"file": str(out), "script": None if script is None else str(script)}
        found = {} if source is None else {"names": list(source.names), "unread": list(source.whole)}
        print_json(document | found)
        return
    print(f"Wrote {out}.")
    if source is not None:
        metrics = ", ".join(metric.name for metric in source.metrics) or "none found"
        print(f"{len(source.names)} environment variables, lines with scores: {metrics}")
    print(f"Next: golfsweep plan {out}")


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet.

    Raises:
        InputError: it is there, or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.link(temporary, path)  # unlike a rename, it never replaces a file
    except FileExistsError:
        raise InputError(f"{path}: exists already and is not overwritten; name another file by --out") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file by --out") from None
    finally:
        temporary.unlink(missing_ok=True)
