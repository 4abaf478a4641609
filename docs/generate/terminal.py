"""A command's output in a terminal as an SVG picture."""

import os
import pty
import re
import subprocess
import sys
from io import StringIO

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 80
CHARACTER_WIDTH, LINE_HEIGHT = 12.2, 24.4
"""Pixels of rich's pictures."""
PADDING = 12
# Surface, ink and the eight colors of a terminal, as in the report.
LIGHT = TerminalTheme(
    (255, 255, 255),
    (27, 31, 36),
    [
        *((27, 31, 36), (179, 38, 30), (26, 127, 55), (154, 103, 0)),
        *((10, 102, 183), (130, 80, 223), (10, 102, 183), (87, 96, 106)),
    ],
)
DARK = TerminalTheme(
    (15, 18, 22),
    (230, 232, 235),
    [
        *((154, 164, 175), (255, 123, 114), (76, 194, 107), (214, 163, 46)),
        *((108, 178, 242), (190, 150, 255), (108, 178, 242), (230, 232, 235)),
    ],
)
# Rich's frame names a font that a browser would load from a server; a picture has to do without one.
FRAME = """<svg viewBox="0 0 {picture_width} {picture_height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>{title}</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre;
}}
{styles}
</style>
<defs>
{lines}
</defs>
<rect width="100%" height="100%" rx="8" fill="{background}" stroke="#8080804d"/>
<g transform="translate({padding}, {padding})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def print_in_terminal(*words: str) -> str:
    """Run `golfsweep` in a terminal of 80 columns; returns what it prints, colors included.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "sweeps.cli", *words]
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment = kept | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"}
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave, env=environment) as process:
        os.close(slave)
        content = b"".join(iter(lambda: _read(master), b""))
        os.close(master)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, content)
    return content.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux's answer when the last process of a terminal has gone
        return b""


def draw(command: str, output: str, theme: TerminalTheme) -> str:
    """The SVG of a command and its output."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), legacy_windows=False, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold"), command), Text.from_ansi(output.rstrip("\n")), sep="\n", soft_wrap=True)
    size: dict[str, str | float] = {
        "picture_width": COLUMNS * CHARACTER_WIDTH + 2 * PADDING,
        "picture_height": (len(output.rstrip("\n").splitlines()) + 1) * LINE_HEIGHT + 2 * PADDING,
        "padding": PADDING,
        "background": "#{:02x}{:02x}{:02x}".format(*theme.background_color),
        "title": command,
    }
    frame = FRAME
    for name, value in size.items():
        frame = frame.replace(f"{{{name}}}", f"{value:g}" if isinstance(value, float) else str(value))
    svg = console.export_svg(theme=theme, code_format=frame, unique_id="t")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
