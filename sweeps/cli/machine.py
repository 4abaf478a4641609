"""One machine without a sweep: selftest, train, eval, doctor."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, DebugOption, HomeOption, JsonOption, RayOption, SetOption, app, print_json


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
    from sweeps.machine.tools import selftest_report

    found = selftest_report(folder)
    if json_:
        return print_json(found)
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
    from golf.train.process_group import end_process
    from jobs.paths import Home
    from sweeps.machine.tools import train_folder
    from sweeps.spec.recipe import configure

    found = train_folder(configure({"train": {"preset": preset}}, set_ or ())["train"], tokens, seed, out, Home(home))
    if os.environ.get("RANK", "0") == "0":
        if json_:
            print_json(found)
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
    from sweeps.machine.tools import eval_file
    from sweeps.spec.recipe import configure

    config = configure({"eval": {"preset": preset}}, set_ or ())["eval"]
    found = eval_file(model, [*tokens, *(more or [])], tokenizer, config, seed)
    if json_:
        return print_json(found)
    summary = f"{found['bpb']:.5f} bpb, {found['nll_per_token']:.5f} nats/token"
    size = f"{found['documents']} documents, {found['tokens']} tokens, {found['bytes']} bytes"
    Console().print(f"{summary}; {size}; {found['seconds']:.1f} s on {found['device']}", highlight=False)


@app.command()
def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="A sweep file: check its data on every node, and time its recipe there.")
    ] = None,
    ray: RayOption = None,
    seconds: Annotated[float, typer.Option(help="How long each node trains the recipe.", min=1.0)] = 60.0,
    home: HomeOption = HOME,
    db: DbOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that this machine, or every node of a cluster, can run sweeps; exit 1 if something is missing.

    A cluster's slow and broken nodes are set aside: no job is placed on them until a later check finds them good.

    Example: golfsweep doctor sweep.toml --ray 10.0.0.1:6379
    """
    from sweeps.machine.tools import doctor as examine

    if file is not None and ray is None:
        raise InputError("doctor FILE: needs --ray HOST:PORT, the cluster whose nodes are to be checked")
    checks = examine(home)
    found: dict[str, Any] = {
        "good": all(check.good for check in checks),
        "checks": [{"name": check.name, "good": check.good, "found": check.found} for check in checks],
    }
    if ray is not None:
        from sweeps.run.session import examine_cluster

        found["nodes"] = examine_cluster(file, ray, seconds, home, db)
        found["good"] = found["good"] and bool(found["nodes"]) and all(node["good"] for node in found["nodes"])
    if json_:
        print_json(found)
    else:
        for line in doctor_lines(found):
            Console().print(line, highlight=False, soft_wrap=True, markup=False)
    if not found["good"]:
        raise typer.Exit(1)


def doctor_lines(found: dict[str, Any]) -> Iterator[str]:
    """Checks of this machine, then of every node, a line each."""
    for check in found["checks"]:
        yield f"{'ok  ' if check['good'] else 'BAD '} {check['name']}: {check['found']}"
    for node in found.get("nodes", []):
        facts = ", ".join(f"{name} {value}" for name, value in node["found"].items() if name != "versions")
        yield f"{'ok  ' if node['good'] else 'BAD '} node {node['host']} ({node['name'][:12]}): {facts}"
        if node["reason"]:
            yield f"     set aside: {node['reason']}"
