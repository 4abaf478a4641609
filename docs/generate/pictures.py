"""Draw the pictures of the README and the pages: `python -m docs.generate.pictures`.

The demo's sweep is run first, which takes seconds where it is done. The terminal's picture is what
`golfsweep leaderboard` prints, the report's are what Chromium shows of the page.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from docs.generate.blocks import fill_blocks
from docs.generate.terminal import DARK, LIGHT, draw, print_in_terminal

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs/pictures"
DEMO_PAGE = ROOT / "docs/demo.md"
REPORT = ROOT / ".golfsweep/reports/demo.html"
MOST_BYTES = 200_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOWS = {"": (1280, 800), "-phone": (390, 844)}
"""Suffix of a picture's name, and the size of the window in pixels."""
SCHEMES = {"dark": 0, "light": 1}
"""Color schemes by Chromium's numbers."""


def main() -> int:
    """Draw all pictures; returns the exit code."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"pictures: no browser; expected one of {', '.join(BROWSERS)} on PATH", file=sys.stderr)
        return 2
    subprocess.run([sys.executable, "-m", "sweeps.cli", "run", "examples/demo.toml"], cwd=ROOT, check=True)
    PICTURES.mkdir(exist_ok=True)
    made = [*draw_terminal(), *photograph(browser, REPORT)]
    if too_big := [path for path in made if path.stat().st_size > MOST_BYTES]:
        print(f"pictures: larger than {MOST_BYTES:,} bytes: {', '.join(map(str, too_big))}", file=sys.stderr)
        return 1
    return 0


def draw_terminal() -> Iterator[Path]:
    """What the leaderboard prints, light and dark, and as text in the page on the demo."""
    words = ("leaderboard", "demo")
    output = print_in_terminal(*words)
    text = Text.from_ansi(output).plain.rstrip()
    DEMO_PAGE.write_text(fill_blocks(DEMO_PAGE.read_text(), {"end of the demo": f"```text\n{text}\n```"}))
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        path = PICTURES / f"terminal-{name}.svg"
        path.write_text(draw(" ".join(("golfsweep", *words)), output, theme))
        yield path


def photograph(browser: str, page: Path) -> Iterator[Path]:
    """The first screen of a page in each color scheme, on a desk and on a phone."""
    for scheme, number in SCHEMES.items():
        for suffix, (width, height) in WINDOWS.items():
            path = PICTURES / f"report{suffix}-{scheme}.png"
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={path}"]
            look = [f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={number}"]
            command = [browser, *options, *look, page.resolve().as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            yield path


if __name__ == "__main__":
    sys.exit(main())
