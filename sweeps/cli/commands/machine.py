"""Work on this machine without a sweep: selftest, train, eval, doctor."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, HomeOption, JsonOption, RayOption, SetOption, app, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.table import FittedColumn, FittedTable
from sweeps.text.terminal import Terminal

SELFTEST_COLUMNS = (
    FittedColumn(heading="case", side="left", too_long="shorten"),
    FittedColumn(heading="documents", order=1),
    FittedColumn(heading="largest difference\nin nats/token"),
)


@app.command()
def selftest(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of golden vectors; by default the bundled ones.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Recompute golden vectors here and show the differences.

    Judges the engine in float32; on a GPU a second, shorter pass in bfloat16 follows. Exit 1 if a difference is too
    large.

    Example: golfsweep selftest --json
    """
    from sweeps.machine.tools import check_engine, selftest_report

    golden = selftest_report(folder)
    good = all(check.good for check in check_engine(golden))
    if json_:
        print_json(golden)
    else:
        for part in (golden, *([golden["own_precision"]] if "own_precision" in golden else [])):
            title = f"Golden vectors on {golden['device']}, {part['dtype']}"
            rows = [
                [[case["name"]], [str(len(case["documents"]))], [f"{case['max_difference']:.1e}"]]
                for case in part["cases"]
            ]
            Terminal().print(FittedTable(columns=SELFTEST_COLUMNS, rows=rows, title=title))
    if not good:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for weights, trace and result.")],
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="One of golf, chimera-611, klora-minnll-614.")
    ] = "golf",
    tokens: Annotated[
        str, typer.Option("--tokens", metavar="DIR", help='Folder of training shards, or "demo".')
    ] = "demo",
    seed: Annotated[int, typer.Option("--seed", metavar="SEED", help="Seed of the training.")] = 1337,
    set_: SetOption = None,
    home: HomeOption = HOME,
    json_: JsonOption = False,
) -> None:
    """Train one seed here, without Ray.

    Under torchrun, the process is one rank of several.

    Example: golfsweep train --preset golf --set train.steps=50 --set train.model.num_layers=2 --out /tmp/seed
    """
    from golf.train.process_group import end_process
    from jobs.paths import Home
    from sweeps.machine.tools import train_folder
    from sweeps.spec.recipe import configure

    trained = train_folder(configure({"train": {"preset": preset}}, set_ or ())["train"], tokens, seed, out, Home(home))
    if os.environ.get("RANK", "0") == "0":
        if json_:
            print_json(trained)
        else:
            summary = f"{trained['weights']}: {trained['steps']} steps, last loss {trained['final_loss']:.3f}"
            Terminal().print_line(summary)
    if "RANK" in os.environ:
        end_process()


@app.command("eval")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An artifact or a .safetensors state dict.")],
    tokens: Annotated[
        list[Path], typer.Option("--tokens", metavar="SHARD", help="Token shard; more can follow as arguments.")
    ],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", metavar="MODEL", help="SentencePiece .model.")],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="SHARD", help="More token shards.", show_default=False)
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="Eval preset: none, score-first, lora-ttt, chimera-611, …")
    ] = "score-first",
    seed: Annotated[int, typer.Option("--seed", metavar="SEED", help="Seed of the adapters' initial values.")] = 0,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Score an artifact or state dict here, without Ray.

    Example: golfsweep eval model.golf --tokens val.bin --tokenizer 1024.model --preset score-first --set eval.epochs=2
    """
    from sweeps.machine.tools import eval_file
    from sweeps.spec.recipe import configure

    config = configure({"eval": {"preset": preset}}, set_ or ())["eval"]
    score = eval_file(model, [*tokens, *(more or [])], tokenizer, config, seed)
    if json_:
        return print_json(score)
    summary = f"{score['bpb']:.5f} bpb, {score['nll_per_token']:.5f} nats/token"
    size = f"{score['documents']} documents, {score['tokens']} tokens, {score['bytes']} bytes"
    Terminal().print_line(f"{summary}; {size}; {score['seconds']:.1f} s on {score['device']}")


@app.command(needs_database=True)
def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A sweep file, to check its data and time its recipe on every node."),
    ] = None,
    ray: RayOption = None,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time for which each node trains the recipe.", min=1.0)
    ] = 60.0,
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Check that this machine or a cluster can run sweeps.

    Slow and broken nodes of a cluster are quarantined: they get no job until they pass a later check. Exit 1 if
    something is missing.

    Example: golfsweep doctor sweep.toml --ray 10.0.0.1:6379
    """
    from sweeps.machine.tools import doctor as examine

    if file is not None and ray is None:
        raise InputError(f"{file}: no cluster to check it on; name one with --ray HOST:PORT")
    checks = examine(home)
    health: dict[str, Any] = {
        "good": all(check.good for check in checks),
        "checks": [{"name": check.name, "good": check.good, "found": check.detail} for check in checks],
    }
    if ray is not None:
        from sweeps.run.examine import examine_cluster

        say = Terminal(stderr=True).print_line
        health["nodes"] = examine_cluster(file, ray, seconds, home, db, say)
        health["good"] = health["good"] and bool(health["nodes"]) and all(node["good"] for node in health["nodes"])
    if json_:
        print_json(health)
    else:
        for line in doctor_lines(health):
            Terminal().print_line(line)
    if not health["good"]:
        raise typer.Exit(ExitCode.FAILED)


def doctor_lines(health: dict[str, Any]) -> Iterator[str]:
    """Checks of this machine, then of every node, a line each."""
    for check in health["checks"]:
        yield f"{'ok  ' if check['good'] else 'BAD '} {check['name']}: {check['found']}"
    for node in health.get("nodes", []):
        facts = ", ".join(f"{name} {value}" for name, value in node["found"].items() if name != "versions")
        yield f"{'ok  ' if node['good'] else 'BAD '} node {node['host']} ({node['name'][:12]}): {facts}"
        if node["reason"]:
            yield f"     {'quarantined' if node['quarantined'] else 'differs from what Ray reports'}: {node['reason']}"
