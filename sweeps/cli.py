"""The command line: `golfsweep COMMAND`.

Results go to stdout, with --json as one JSON document; progress and errors go to stderr. Exit 0: done; 1: the work
failed; 2: bad input; 130: interrupted.
"""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from golf.errors import Diverged, InputError, OverTime

app = typer.Typer(
    name="golfsweep",
    help="Sweeps for train-in-ten-minutes contests: train, quantise, adapt at test time, compare, and stay legal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

HomeOption = Annotated[Path, typer.Option("--home", help="Folder of database, files, logs and reports.")]
DbOption = Annotated[str | None, typer.Option("--db", help="Database URL instead of the one in --home.")]
FilesOption = Annotated[
    str | None, typer.Option("--files", help="Folder or URL of the file store instead of --home's.")
]
RayOption = Annotated[str | None, typer.Option("--ray", help="Address of a running Ray cluster, HOST:PORT.")]
HereOption = Annotated[bool, typer.Option("--here", help="Run on this machine without Ray.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. eval.epochs=4.")
]
SweepArgument = Annotated[str | None, typer.Argument(help="Name of the sweep; the latest if left out.")]
HOME = Path(".golfsweep")


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    ray: RayOption = None,
    here: HereOption = False,
    debug: DebugOption = False,
) -> None:
    """Start a sweep, or go on with it.

    Example: golfsweep run examples/demo.toml --set eval.chunk=64
    """
    from sweeps import report, results, session, table
    from sweeps.file import load_sweep
    from sweeps.progress import Progress
    from sweeps.sweep import Sweep

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    console = Console(stderr=True)
    try:
        with Progress(console) as progress:
            end = session.run(spec, place, ray_address=ray, here=here, show=progress.show)
    except KeyboardInterrupt:
        console.print(f"Stopped. Everything finished is kept; to go on: {_command()}", highlight=False, soft_wrap=True)
        raise
    stored = place.store.sweep(spec.name)
    assert stored is not None
    sweep = Sweep.from_json(stored.spec)
    frame = results.frame_of(sweep, place.store, place.files)
    path = report.write(sweep, frame, place)
    Console().print(table.render(frame))
    Console().print(f"Report: {path}", highlight=False, soft_wrap=True)
    for job in end.failures:
        console.print(f"Failed: {job.order.label}: {job.reason}", highlight=False, soft_wrap=True)
    if end.failures:
        console.print(f"{len(end.failures)} jobs failed; golfsweep show KEY tells more", highlight=False)
        raise typer.Exit(1)


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(help="The sweep file.")],
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    slots: Annotated[int | None, typer.Option(help="GPUs (or cores) to plan for; this machine's if left out.")] = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Count a sweep's jobs and estimate what they take.

    Example: golfsweep plan examples/fineweb.toml --slots 16
    """
    from cluster.local import local_slots
    from jobs import environment
    from sweeps import session
    from sweeps.file import load_sweep
    from sweeps.plan import plan as make_plan
    from sweeps.progress import duration

    spec = load_sweep(file, set_ or ())
    place = session.Workplace.open(home, db, files)
    sweep = session.resolve(spec, place.home, environment.machine())
    found = make_plan(sweep, place.store, slots or local_slots(sweep.widest()))
    if json_:
        return _json(found)
    shown = Table("stage", "jobs", "done", "slot-seconds each", "slot-hours left", title=f"Plan of {spec.name}")
    for kind, stage in found["stages"].items():
        each = "?" if stage["slot_seconds_each"] is None else f"{stage['slot_seconds_each']:.0f} ({stage['source']})"
        hours = "?" if stage["slot_hours"] is None else f"{stage['slot_hours']:.2f}"
        shown.add_row(kind, str(stage["jobs"]), str(stage["done"]), each, hours)
    Console().print(shown)
    if found["seconds"] is not None:
        dollars = "" if found["dollars"] is None else f", ${found['dollars']:.2f}"
        Console().print(f"About {duration(found['seconds'])} on {found['slots']} slots{dollars}; '?' is not counted.")


@app.command()
def status(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show how far sweeps are, and what runs.

    Example: golfsweep status demo
    """
    from jobs.state import JobState

    place, sweeps = _sweeps(home, db, files, name)
    found = []
    for sweep in sweeps:
        jobs = place.store.jobs(sweep=sweep.name)
        found.append({
            "name": sweep.name,
            "state": sweep.state,
            "jobs": {state.value: sum(job.state == state for job in jobs) for state in JobState},
            "running": [
                {"key": job.key, "label": job.order.label, "fraction": job.fraction, "note": job.note}
                for job in jobs if job.state == JobState.RUNNING
            ],
            "failed": [
                {"key": job.key, "label": job.order.label, "reason": job.reason}
                for job in jobs if job.state == JobState.FAILED
            ],
        })  # fmt: skip
    if json_:
        return _json({"sweeps": found})
    console = Console()
    for one in found:
        counts = ", ".join(f"{count} {state}" for state, count in one["jobs"].items() if count)
        console.print(f"{one['name']}: {one['state']}; {counts or 'no jobs yet'}", highlight=False, markup=False)
        for job in one["running"]:
            console.print(f"  {job['label']}  {job['fraction']:.0%}  {job['note']}", highlight=False, markup=False)
        for job in one["failed"]:
            console.print(f"  {job['label']} failed: {job['reason']}", highlight=False, markup=False)


@app.command()
def leaderboard(
    name: SweepArgument = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the confirmed rows of a sweep.

    Example: golfsweep leaderboard demo --json
    """
    from sweeps import results, table
    from sweeps.leaderboard import to_json
    from sweeps.sweep import Sweep

    place, sweeps = _sweeps(home, db, files, name)
    if not sweeps:
        return _json({"rows": []}) if json_ else Console().print("No sweeps yet; start one with golfsweep run.")
    frame = results.frame_of(Sweep.from_json(sweeps[-1].spec), place.store, place.files)
    if json_:
        return _json(to_json(frame))
    Console().print(table.render(frame))


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="First digits of a job's key, a sweep, or a row as SWEEP/ROW.")],
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show all that is known of a job: settings, attempts, outputs, the end of its log.

    Example: golfsweep show 3fa9c1
    """
    from sweeps.show import describe

    place, _ = _sweeps(home, db, files, None)
    found = describe(key, place)
    if json_:
        return _json(found)
    Console().print_json(json.dumps(found, default=str))


@app.command()
def selftest(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of golden vectors; the bundled ones if left out.")
    ] = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Recompute golden vectors on this machine and compare.

    Example: golfsweep selftest --json
    """
    from sweeps.tools import selftest_report

    found = selftest_report(folder)
    if json_:
        return _json(found)
    shown = Table(
        "case", "documents", "largest difference", title=f"Golden vectors on {found['device']}, {found['dtype']}"
    )
    for case in found["cases"]:
        shown.add_row(case["name"], str(len(case["documents"])), f"{case['max_difference']:.1e} nats/token")
    Console().print(shown)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder for weights, trace and result.")],
    preset: Annotated[str, typer.Option("--preset", help="golf, chimera-611 or klora-minnll-614.")] = "golf",
    tokens: Annotated[str, typer.Option("--tokens", help='Folder of training shards, or "demo".')] = "demo",
    seed: Annotated[int, typer.Option("--seed")] = 1337,
    set_: SetOption = None,
    home: HomeOption = HOME,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train one seed here, without Ray; under torchrun, as one rank of several.

    Example: golfsweep train --preset golf --set train.steps=50 --set train.model.num_layers=2 --out /tmp/seed
    """
    from golf.ranks import end_process
    from jobs.paths import Home
    from sweeps.tools import stage_config, train_folder

    found = train_folder(stage_config("train", preset, set_ or ()), tokens, seed, out, Home(home))
    if os.environ.get("RANK", "0") == "0":
        if json_:
            _json(found)
        else:
            summary = f"{found['weights']}: {found['steps']} steps, last loss {found['final_loss']:.3f}"
            Console().print(summary, highlight=False, soft_wrap=True)
    if "RANK" in os.environ:
        end_process()


@app.command("eval")
def evaluate(
    model: Annotated[Path, typer.Argument(help="An artifact or a .safetensors state dict.")],
    tokens: Annotated[list[Path], typer.Option("--tokens", help="Token shard; more may follow.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", help="SentencePiece .model.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More token shards.", show_default=False)] = None,
    preset: Annotated[
        str, typer.Option("--preset", help="none, score-first, lora-ttt, chimera-611, …")
    ] = "score-first",
    seed: Annotated[int, typer.Option("--seed", help="Of the adapters' random start.")] = 0,
    set_: SetOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score an artifact or state dict here, without Ray.

    Example: golfsweep eval model.golf --tokens val.bin --tokenizer 1024.model --preset score-first --set eval.epochs=2
    """
    from sweeps.tools import eval_file, stage_config

    found = eval_file(model, [*tokens, *(more or [])], tokenizer, stage_config("eval", preset, set_ or ()), seed)
    if json_:
        return _json(found)
    summary = f"{found['bpb']:.5f} bpb, {found['nll_per_token']:.5f} nats/token"
    size = f"{found['documents']} documents, {found['tokens']} tokens, {found['bytes']} bytes"
    Console().print(f"{summary}; {size}; {found['seconds']:.1f} s on {found['device']}", highlight=False)


@app.command()
def doctor(home: HomeOption = HOME, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Check that this machine can run sweeps; exit 1 if something is missing.

    Example: golfsweep doctor
    """
    from sweeps.tools import doctor as examine

    checks = examine(home)
    if json_:
        _json(
            {
                "good": all(c.good for c in checks),
                "checks": [{"name": c.name, "good": c.good, "found": c.found} for c in checks],
            }
        )
    else:
        for check in checks:
            Console().print(f"{'ok  ' if check.good else 'BAD '} {check.name}: {check.found}", highlight=False)
    if not all(check.good for check in checks):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; every foreseeable error is one line on stderr."""
    debug = "--debug" in sys.argv
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    """Say what went wrong in one line; return the exit code."""
    if isinstance(error, InputError):
        return _fail(str(error), 2)
    if isinstance(error, Diverged | OverTime):
        return _fail(str(error), 1)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _fail(f"{error.filename or 'disk'}: no space left; free some and run the same command again", 2)
    if isinstance(error, PermissionError):
        return _fail(f"{error.filename}: may not be written; choose another --home or --out", 2)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "format_message"):  # the command line itself was wrong
        return _fail(error.format_message(), 2)
    return _fail(f"{type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, code: int) -> int:
    print("golfsweep:", " ".join(message.split()), file=sys.stderr)
    return code


def _sweeps(home: Path, db: str | None, files: str | None, name: str | None) -> tuple[Any, list[Any]]:
    """The home and its sweeps, or the one of a name."""
    from sweeps.session import Workplace

    place = Workplace.open(home, db, files)
    sweeps = place.store.sweeps()
    if name is not None and name not in [sweep.name for sweep in sweeps]:
        known = ", ".join(sweep.name for sweep in sweeps) or "none yet"
        raise InputError(f'no sweep "{name}" in {home}; there are: {known}')
    return place, [sweep for sweep in sweeps if name in (None, sweep.name)]


def _json(content: Any) -> None:
    print(json.dumps(content, indent=2, allow_nan=False, default=str))


def _command() -> str:
    return " ".join(["golfsweep", *sys.argv[1:]])


if __name__ == "__main__":
    main()
