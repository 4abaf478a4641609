"""Measure this machine and write the table of the README's performance section: `python -m benchmarks.readme`."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- measured by make bench -->\n", "<!-- end of what was measured -->\n"


def measure(*words: str) -> dict[str, Any]:
    """What `golfsweep bench` says, in a process of its own."""
    command = [sys.executable, "-m", "sweeps.cli", "bench", *words, "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def processor() -> str:
    """The processor's name as the kernel has it; psutil has none."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def table() -> str:
    """The table in Markdown, the machine and the day above it."""
    train, evaluation = measure("train"), measure("eval")
    ans, zstd = measure("artifact"), measure("artifact", "--set", "quantize.codec=zstd")
    where = f"{processor()}, {os.cpu_count()} cores, {train['device']}, {train['dtype']}, torch {train['torch']}"
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
    for what, figure, found in rows:
        rate, share = f"{found['rate']:,.0f} {found['unit']}", f"{found['share_of_peak']:.1%} of {found['peak_of']}"
        lines.append(f"| {what} | {figure} | {rate} | {share} |")
    return "\n".join(lines) + "\n"


def _size(found: dict[str, Any]) -> str:
    return f"{found['model_bytes']:,} bytes ({found['above_entropy']:+.2%} of the per-tensor entropy)"


def main() -> None:
    """Measure, and put the table where the README has its place."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        sys.exit(f"{README}: has no place for the table; expected the lines {BEGIN.strip()} and {END.strip()}")
    measured = table()
    README.write_text(before + BEGIN + "\n" + measured + "\n" + END + after)
    print(measured)


if __name__ == "__main__":
    main()
