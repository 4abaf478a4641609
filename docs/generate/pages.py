"""The pages with generated parts."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import commands, settings

GENERATED: Mapping[Path, Callable[[], dict[str, str]]] = {
    settings.PAGE: settings.settings_tables,
    commands.PAGE: commands.command_blocks,
}
"""Each page with what makes its blocks."""
