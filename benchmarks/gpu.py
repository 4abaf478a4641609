"""Measure one GPU in less than ten minutes: `python -m benchmarks.gpu [--json FILE]`, or `make bench-gpu`.

It needs torch, numpy, safetensors and sentencepiece; no Ray, no network, no data. Each step is a process of its own
with a time limit, so that one that fails or hangs costs no other its result. Without a GPU it measures a toy, which
only shows that it runs.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu_steps import judging, kernels, scoring, training
from benchmarks.gpu_steps.sizes import TOY, Row, Sizes, sizes

Step = Callable[[Sizes], list[Row]]

STEPS: Mapping[str, tuple[Step, float]] = {
    "versions": (kernels.versions, 30),
    "attention kernel": (kernels.choice, 60),
    "attention against float64": (kernels.accuracy, 60),
    "golden vectors": (judging.golden, 60),
    "training step": (training.step, 120),
    "loss layer": (kernels.head, 30),
    "test-time training": (scoring.test_time_training, 100),
    "audit": (judging.audits, 90),
    "equal and resumed runs": (training.runs, 45),
}
"""Each step and its time limit in seconds; together less than ten minutes."""
MARK = "measured: "
"""Begins the line in which a step's process prints its rows."""


def run_step(name: str) -> dict[str, Any]:
    """Run a step in this process."""
    started = time.monotonic()
    rows = STEPS[name][0](sizes())
    return {"step": name, "rows": rows, "seconds": round(time.monotonic() - started, 1), "problem": None}


def run_isolated(name: str, limit: float) -> dict[str, Any]:
    """Run a step in a process of its own; what goes wrong is part of the result."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--step", name]
    root = Path(__file__).parents[1]
    started = time.monotonic()
    problem = None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=root, check=False)
    except subprocess.TimeoutExpired:
        problem = f"took more than its limit of {limit:g} s"
    else:
        lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        if done.returncode == 0 and lines:
            result: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK))
            return result
        problem = f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}"
    return {"step": name, "rows": [], "seconds": round(time.monotonic() - started, 1), "problem": problem}


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
        print(MARK + json.dumps(run_step(options.step)), flush=True)
        return 0
    if sizes() is TOY:
        print("No GPU here: a toy is measured, which only shows that this runs.")
    results = []
    for name, (_, limit) in STEPS.items():
        results.append(run_isolated(name, limit))
        show(results[-1])
        if options.json is not None:
            options.json.write_text(json.dumps(results, indent=1))
    return int(any(result["problem"] is not None for result in results))


if __name__ == "__main__":
    sys.exit(main())
