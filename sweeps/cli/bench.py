"""What this machine makes of each stage, measured without data: bench train, eval, artifact."""

from typing import Any

import typer
from rich.console import Console

from sweeps.cli.app import DebugOption, JsonOption, SetOption, app, print_json

bench = typer.Typer(
    help="Measure this machine, without data: seconds, a rate, and its share of the machine's measured peak.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bench, name="bench")


@bench.command()
def train(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Time training steps: the median after a warm-up.

    Example: golfsweep bench train --set train.batch_tokens=16384 --json
    """
    from sweeps.machine import bench as measure

    found = measure.train(set_ or ())
    if json_:
        return print_json(found)
    _print(found, f"{found['seconds_per_step'] * 1000:.1f} ms a step of {found['batch_tokens']:,} tokens")


@bench.command("eval")
def evaluation(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Time scoring with test-time training: 24 documents of 1,025 tokens.

    Example: golfsweep bench eval --set eval.epochs=8 --json
    """
    from sweeps.machine import bench as measure

    found = measure.evaluation(set_ or ())
    if json_:
        return print_json(found)
    _print(found, f"{found['seconds']:.2f} s for {found['documents']} documents, {found['tokens']:,} tokens")


@bench.command()
def artifact(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Quantize, code, write and load a full-size model of random weights.

    Example: golfsweep bench artifact --set quantize.codec=zstd --json
    """
    from sweeps.machine import bench as measure

    found = measure.artifact(set_ or ())
    if json_:
        return print_json(found)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in found["seconds"].items())
    size = f"{found['model_bytes']:,} bytes, {found['above_entropy']:+.3%} of the entropy"
    _print(found, f"{found['weights']:,} weights, {found['codec']}: {seconds}; {size}")


def _print(found: dict[str, Any], result: str) -> None:
    share = f"{found['rate']:,.0f} {found['unit']}, {found['share_of_peak']:.1%} of {found['peak_of']}"
    where = f"{found['device']}, {found['dtype']}, {found['threads']} threads"
    Console().print(f"{result}; {share} ({where})", highlight=False, soft_wrap=True)
