"""Measure one GPU in less than ten minutes: `python -m benchmarks.gpu [--json FILE]`, or `make bench-gpu`.

It needs torch, numpy, safetensors and sentencepiece; no Ray, no network, no data. Each step is a process of its own
with a time limit, so that one that fails or hangs costs no other its result. Without a GPU it measures a toy, which
only shows that it runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu_steps import judging, kernels, scoring, training
from benchmarks.gpu_steps.sizes import TOY, Row, Sizes, sizes

Step = Callable[[Sizes], Iterable[Row]]

STEPS: Mapping[str, tuple[Step, float]] = {
    "versions": (kernels.versions, 60),
    "attention kernel": (kernels.choice, 120),
    "attention against float64": (kernels.accuracy, 90),
    "golden vectors": (judging.golden, 90),
    "training step": (training.step, 240),
    "test-time training": (scoring.test_time_training, 150),
    "audit": (judging.audits, 150),
    "loss layer": (kernels.head, 60),
    "equal and resumed runs": (training.runs, 180),
}
"""Each step and its time limit in seconds."""
TOTAL_SECONDS = 580.0
"""All steps together: a later step gets what is left."""
MARK = "measured: "
"""Begins a line in which a step's process prints one row, as soon as it is measured."""


def run_step(name: str, show_row: Callable[[Row], None]) -> None:
    """Run a step in this process; rows are shown as they come."""
    for line in STEPS[name][0](sizes()):
        show_row(line)


def run_isolated(name: str, limit: float) -> dict[str, Any]:
    """Run a step in a process of its own; what goes wrong is part of the result, beside the rows until then."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--step", name]
    root = Path(__file__).parents[1]
    started = time.monotonic()
    problem = None
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        try:
            done = subprocess.run(command, stdout=out, stderr=errors, timeout=limit, cwd=root, check=False)
        except subprocess.TimeoutExpired:
            problem = f"took more than its limit of {limit:.3g} s"
        else:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["no output"])[-1]
            problem = f"exit code {done.returncode}: {last}" if done.returncode else None
        out.seek(0)
        lines = [line.removeprefix(MARK) for line in out if line.startswith(MARK)]
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return {"step": name, "rows": rows, "seconds": round(time.monotonic() - started, 1), "problem": problem}


def show(result: Mapping[str, Any]) -> None:
    """Print one step's rows as a part of the table."""
    print(f"\n{result['step']} ({result['seconds']} s)")
    if result["problem"] is not None:
        print(f"  FAILED: {result['problem']}")
    for line in result["rows"]:
        predicted = "" if line["predicted"] is None else f"   predicted {line['predicted']}"
        print(f"  {line['what']:<66} {line['value']!s:>16} {line['unit']}{predicted}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run all steps, or one; returns the exit status, 1 if a step failed."""
    parser = argparse.ArgumentParser(description="Measure one GPU in less than ten minutes.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--step", choices=STEPS, help="run one step only, in this process")
    options = parser.parse_args(arguments)
    if options.step is not None:
        run_step(options.step, lambda line: print(MARK + json.dumps(line), flush=True))
        return 0
    if sizes() is TOY:
        print("No GPU here: a toy is measured, which only shows that this runs.")
    results, end = [], time.monotonic() + TOTAL_SECONDS
    for name, (_, limit) in STEPS.items():
        results.append(run_isolated(name, max(0.0, min(limit, end - time.monotonic()))))
        show(results[-1])
        if options.json is not None:
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return int(any(result["problem"] is not None for result in results))


if __name__ == "__main__":
    sys.exit(main())
