"""What this machine makes of each stage, measured without data: bench artifact."""

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
def artifact(set_: SetOption = None, json_: JsonOption = False, debug: DebugOption = False) -> None:
    """Quantise, code, write and load a full-size model of random weights.

    Example: golfsweep bench artifact --set quantize.codec=zstd --json
    """
    from sweeps import bench as measure

    found = measure.artifact(set_ or ())
    if json_:
        return print_json(found)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in found["seconds"].items())
    size = f"{found['model_bytes']} bytes, {found['above_entropy']:+.3%} of the entropy"
    share = f"{found['rate']:.0f} {found['unit']}, {found['share_of_peak']:.1%} of {found['peak_of']}"
    summary = f"{found['weights']} weights, {found['codec']}: {seconds}; {size}; {share}"
    Console().print(summary, highlight=False, soft_wrap=True)
