"""One machine without a sweep: selftest, train, eval, doctor."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sweeps.cli.app import HOME, DebugOption, HomeOption, JsonOption, SetOption, app, print_json


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
        return print_json(found)
    shown = Table(
        "case", "documents", "largest difference", title=f"Golden vectors on {found['device']}, {found['dtype']}"
    )
    for case in found["cases"]:
        shown.add_row(case["name"], str(len(case["documents"])), f"{case['max_difference']:.1e} nats/token")
    Console().print(shown)


@app.command()
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
    from sweeps.recipe import configure
    from sweeps.tools import train_folder

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
    from sweeps.recipe import configure
    from sweeps.tools import eval_file

    config = configure({"eval": {"preset": preset}}, set_ or ())["eval"]
    found = eval_file(model, [*tokens, *(more or [])], tokenizer, config, seed)
    if json_:
        return print_json(found)
    summary = f"{found['bpb']:.5f} bpb, {found['nll_per_token']:.5f} nats/token"
    size = f"{found['documents']} documents, {found['tokens']} tokens, {found['bytes']} bytes"
    Console().print(f"{summary}; {size}; {found['seconds']:.1f} s on {found['device']}", highlight=False)


@app.command()
@app.command()
def doctor(home: HomeOption = HOME, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Check that this machine can run sweeps; exit 1 if something is missing.

    Example: golfsweep doctor
    """
    from sweeps.tools import doctor as examine

    checks = examine(home)
    if json_:
        print_json(
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
