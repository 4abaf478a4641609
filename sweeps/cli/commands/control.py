"""Beginning sweeps, and acting on those that run elsewhere: init, attach, submit, cancel."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from golf.errors import InputError
from golf.files import read_regular
from sweeps.cli.app import (
    HOME,
    AgentOption,
    DbOption,
    FilesOption,
    HomeOption,
    JsonOption,
    SetOption,
    app,
    complete_sweep,
    open_sweeps,
    open_to_write,
    print_json,
)
from sweeps.cli.asking import YesOption, ask_first
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal

SWEEP_FILE = Path("sweep.toml")


@app.command()
def init(
    script: Annotated[
        Path | None, typer.Argument(metavar="SCRIPT", help="A training script of yours; without one, a native sweep.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The sweep file to write.")] = SWEEP_FILE,
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", metavar="FILE", help="A file that the script imports or reads.")
    ] = None,
    gpus: Annotated[int, typer.Option("--gpus", metavar="N", min=1, help="GPUs of each run of the script.")] = 8,
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
        facts = {} if source is None else {"names": list(source.names), "unread": list(source.whole)}
        print_json(document | facts)
        return
    print(f"Wrote {out}.")
    if source is not None:
        metrics = ", ".join(metric.name for metric in source.metrics) or "none found"
        print(f"{len(source.names)} environment variables, lines with scores: {metrics}")
    print(f"Next: golfsweep plan {out}")


@app.command()
def attach(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that a stage would have written.")],
    sweep: Annotated[
        str,
        typer.Option("--sweep", metavar="SWEEP|FILE", help="The sweep, or its file.", autocompletion=complete_sweep),
    ],
    stage: Annotated[str, typer.Option("--stage", metavar="NAME", help="Stage of the script, e.g. train.")],
    role: Annotated[str, typer.Option("--role", metavar="NAME", help="Output of the stage, e.g. artifact.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the run that made the file.")],
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="What the script printed in that run.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option("--entry", metavar="NAME", help="The arm that made the file, if arms differ here.")
    ] = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Use an existing file as the output of a script's stage.

    The stage's job then counts as done and does not run; entries that use the file say so.

    Example: golfsweep attach final_model.int8.ptz --sweep sweep.toml --stage train --role artifact --seed 42
    """
    from sweeps.run.attach import Attachment, attach, open_sweep

    place = open_to_write(home, db, files)
    try:
        target = open_sweep(sweep, place, Terminal(stderr=True).print_line)
        job = attach(Attachment(file=file, stage=stage, role=role, seed=seed, entry=entry, log=log), target, place)
    except Exception:
        place.remove_if_unused()
        raise
    outputs = job.outputs or {}
    if json_:
        return print_json(
            {
                "sweep": target.spec.name,
                "key": job.key,
                "label": job.order.label,
                role: outputs[role],
                "scores": outputs["scores"],
            }
        )
    Terminal().print_line(f"Attached {file} as {role} of {job.order.label} ({job.key[:12]}).")


@app.command()
def cancel(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Name of the sweep.", autocompletion=complete_sweep)],
    what: Annotated[
        str | None,
        typer.Argument(metavar="TRIAL|KEY", help="A trial's number, or the start of a job's key; by default all."),
    ] = None,
    yes: Annotated[bool, YesOption] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Cancel a sweep, a trial or a job, and wait until its processes have ended.

    What has finished stays as it is. Before a running sweep is cancelled, you are asked. Exit 3 if its
    processes have not ended within a minute.

    Example: golfsweep cancel demo 7
    """
    from jobs.state import JobState, SweepState
    from sweeps.run.cancel import cancel as end

    place, [record] = open_sweeps(home, db, files, sweep, to_write=True, submitted=True)
    if what is None and record.state == SweepState.RUNNING:
        open_jobs = place.store.jobs(sweep, [JobState.RUNNING, JobState.QUEUED])
        running = sum(job.state == JobState.RUNNING for job in open_jobs)
        ask_first(f"Cancel sweep {sweep} ({running} jobs running, {len(open_jobs) - running} waiting)", yes=yes)
    outcome = end(sweep, what, place.store)
    if json_:
        print_json(outcome.to_json(sweep))
    else:
        Terminal().print_line(outcome.message)
    if outcome.ending:
        raise typer.Exit(ExitCode.TRANSIENT)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep file.")],
    ray: Annotated[
        str, typer.Option("--ray", metavar="ADDRESS", help="Dashboard URL (http://HOST:8265) or head node (HOST:PORT).")
    ],
    set_: SetOption = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Owner of a new sweep; by default the user.")
    ] = None,
    agent: AgentOption = None,
    home: Annotated[str, typer.Option("--home", metavar="DIR", help="Folder on the cluster's head.")] = "~/.golfsweep",
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Run a sweep on a cluster, which goes on without this machine.

    To use another database than the one in --home, set GOLFSWEEP_DB in the environment of the cluster's head:
    everybody who sees the cluster can read the commands of its jobs.

    Example: golfsweep submit sweep.toml --ray http://10.0.0.1:8265
    """
    from jobs.machine.host import user_name
    from sweeps.run.submit import submit as hand_over
    from sweeps.spec.checks.names import check_names
    from sweeps.spec.file import load_sweep

    check_names(() if owner is None else [owner], "--owner")
    check_names([agent] if agent else [], "--agent")
    spec, whose = load_sweep(file, set_ or ()), owner or user_name()
    submitted = hand_over(file, spec, set_ or (), ray, home, files, owner=whose, agent=agent or None)
    if json_:
        return print_json(submitted)
    Terminal().print_line(f"Submitted as {submitted['job']}; follow it with: {submitted['follow']}")


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
        raise InputError(f"{path}: exists already and is not overwritten; name another file with --out") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file with --out") from None
    finally:
        temporary.unlink(missing_ok=True)
