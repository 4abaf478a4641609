"""Measuring each stage on this machine, without data: bench train, bench eval, bench artifact."""

from typing import Any

import typer

from sweeps.cli.app import Application, JsonOption, SetOption, app, print_json
from sweeps.cli.help import Group
from sweeps.text.terminal import Terminal

bench = Application(cls=Group, rich_markup_mode=None)
app.add_typer(bench, name="bench")


@bench.callback(invoke_without_command=True)
def measure(context: typer.Context) -> None:
    """Measure a stage on this machine, without data.

    Each command prints seconds, a rate, and its share of the machine's measured peak.

    Example: golfsweep bench train --json
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@bench.command()
def train(set_: SetOption = None, json_: JsonOption = False) -> None:
    """Time training steps, the median after a warm-up.

    Example: golfsweep bench train --set train.batch_tokens=16384 --json
    """
    from sweeps.machine import bench as stages

    measured = stages.train(set_ or ())
    if json_:
        return print_json(measured)
    _print(measured, f"{measured['seconds_per_step'] * 1000:.1f} ms a step of {measured['batch_tokens']:,} tokens")


@bench.command("eval")
def evaluation(set_: SetOption = None, json_: JsonOption = False) -> None:
    """Time scoring with test-time training: 24 documents of 1,025 tokens.

    Example: golfsweep bench eval --set eval.epochs=8 --json
    """
    from sweeps.machine import bench as stages

    measured = stages.evaluation(set_ or ())
    if json_:
        return print_json(measured)
    _print(
        measured, f"{measured['seconds']:.2f} s for {measured['documents']} documents, {measured['tokens']:,} tokens"
    )


@bench.command()
def artifact(set_: SetOption = None, json_: JsonOption = False) -> None:
    """Quantize, code, write and load a full-size model of random weights.

    Example: golfsweep bench artifact --set quantize.codec=zstd --json
    """
    from sweeps.machine import bench as stages

    measured = stages.artifact(set_ or ())
    if json_:
        return print_json(measured)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in measured["seconds"].items())
    size = f"{measured['model_bytes']:,} bytes, {measured['above_entropy']:+.3%} of the entropy"
    _print(measured, f"{measured['weights']:,} weights, {measured['codec']}: {seconds}; {size}")


def _print(measured: dict[str, Any], result: str) -> None:
    share = f"{measured['rate']:,.0f} {measured['unit']}, {measured['share_of_peak']:.1%} of {measured['peak_of']}"
    where = f"{measured['device']}, {measured['dtype']}, {measured['threads']} threads"
    Terminal().print_line(f"{result}; {share} ({where})")
