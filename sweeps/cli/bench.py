"""Measuring this machine: bench train, bench eval."""

from typing import Any

import typer
from rich.console import Console

from sweeps.cli.app import DebugOption, JsonOption, SetOption, app, print_json

bench = typer.Typer(
    help="Measure what this machine makes of training, evaluation and artifacts; needs no data.", no_args_is_help=True
)
app.add_typer(bench, name="bench")


@bench.command()
def train(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Time training steps: the median after warm-up, and its share of the machine's peak.

    Example: golfsweep bench train --set train.batch_tokens=16384 --json
    """
    from sweeps.bench import bench_train, default_settings
    from sweeps.recipe import stage_settings

    found = bench_train(stage_settings("train", default_settings("train"), set_ or ()))
    if json_:
        return print_json(found)
    _print(found, f"{found['seconds_per_step'] * 1000:.1f} ms a step of {found['batch_tokens']:,} tokens")


@bench.command("eval")
def evaluate(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Time scoring with test-time training: 24 documents of 1,025 tokens, two epochs unless set otherwise.

    Example: golfsweep bench eval --set eval.epochs=8 --json
    """
    from sweeps.bench import bench_eval, default_model, default_settings
    from sweeps.recipe import stage_settings

    found = bench_eval(stage_settings("eval", default_settings("eval"), set_ or ()), default_model())
    if json_:
        return print_json(found)
    _print(found, f"{found['seconds']:.2f} s for {found['documents']} documents, {found['tokens']:,} tokens")


def _print(found: dict[str, Any], result: str) -> None:
    rate = f"{found['tokens_per_second']:,.0f} tokens/s, {found['share_of_peak']:.0%} of the measured matmul peak"
    where = f"{found['device']}, {found['dtype']}, {found['threads']} threads, attention {found['attention']}"
    Console().print(f"{result}; {rate} ({where})", highlight=False, soft_wrap=True)
