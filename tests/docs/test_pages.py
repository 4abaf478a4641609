"""The pages of docs/ as HTML: what `make docs` runs ends without a warning."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    [line] = re.findall(r"\$\(BIN\)/python (-m sphinx .*)", (ROOT / "Makefile").read_text())
    *options, out = shlex.split(line)
    assert {"--fail-on-warning", "--conf-dir"} <= {*options} and out == "build/docs"
    built = subprocess.run([sys.executable, *options, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in (tmp_path / "docs").glob("*.html")}
