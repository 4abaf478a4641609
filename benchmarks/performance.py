"""Measure this machine and write the table of docs/performance.md: `python -m benchmarks.performance`."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs/performance.md"
BEGIN, END = "<!-- measured by make bench -->\n", "<!-- end of what was measured -->\n"


def measure(*words: str) -> dict[str, Any]:
    """Run `golfsweep bench` in a process of its own; returns its document."""
    command = [sys.executable, "-m", "sweeps.cli", "bench", *words, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def processor_name() -> str:
    """The processor's name as the kernel has it; psutil has none."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def measure_table() -> str:
    """Measure everything; returns the table in Markdown below a line with the machine and the day."""
    train, evaluation = measure("train"), measure("eval")
    ans, zstd = measure("artifact"), measure("artifact", "--set", "quantize.codec=zstd")
    where = f"{processor_name()}, {os.cpu_count()} cores, {train['device']}, {train['dtype']}, torch {train['torch']}"
    step, scoring = f"{train['seconds_per_step']:.2f} s", f"{evaluation['seconds']:.2f} s"
    rows = [
        ("training step, 8,192 tokens of length 512, 4 layers, 128 dimensions", step, train),
        ("24 documents of 1,025 tokens, 2 epochs of K-LoRA, same model", scoring, evaluation),
        (f"artifact of {ans['weights']:,} weights, ANS: save", f"{ans['seconds']['save']:.2f} s, {_size(ans)}", ans),
        ("the same, zstd 22: save", f"{zstd['seconds']['save']:.1f} s, {_size(zstd)}", zstd),
    ]  # fmt: skip
    lines = [
        f"On {where}, {datetime.now(UTC):%Y-%m-%d}:",
        "",
        "| | | rate | of the machine's peak |",
        "|---|---|---|---|",
    ]
    for what, figure, measured in rows:
        rate = f"{measured['rate']:,.0f} {measured['unit']}"
        share = f"{measured['share_of_peak']:.1%} of {measured['peak_of']}"
        lines.append(f"| {what} | {figure} | {rate} | {share} |")
    return "\n".join(lines) + "\n"


def _size(measured: dict[str, Any]) -> str:
    return f"{measured['model_bytes']:,} bytes ({measured['above_entropy']:+.2%} of the per-tensor entropy)"


def replace_table(page: str, table: str, begin_mark: str = BEGIN, end_mark: str = END) -> str:
    """A page with a new table between two marks.

    Raises:
        ValueError: the page has no such marks.
    """
    before, begin, rest = page.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not (begin and end):
        raise ValueError(
            f"{PAGE}: has no place for the table; expected the lines {begin_mark.strip()} and {end_mark.strip()}"
        )
    return before + begin + "\n" + table + "\n" + end + after


def main() -> None:
    """Measure, write the table to the page, and print it."""
    replace_table(PAGE.read_text(encoding="utf-8"), "")  # fails before the minutes of measuring, not after
    table = measure_table()
    PAGE.write_text(replace_table(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
