"""DiffTable: settings in which two recipes differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.views.wording import format_setting


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffTable:
    """Setting, value of the first recipe, value of the second."""

    template: ClassVar[str] = "panels/diff_table.html.j2"
    names: tuple[str, str]
    lines: tuple[tuple[str, str, str], ...]


def prepare_diff_table(settings: Sequence[Mapping[str, Any]], names: tuple[str, str]) -> DiffTable:
    """From a comparison's settings that differ.

    Args:
        settings: setting, challenger, incumbent; null where a recipe does not have it.
        names: of challenger and incumbent.
    """
    lines = [
        (entry["setting"], format_setting(entry["challenger"]), format_setting(entry["incumbent"]))
        for entry in settings
    ]
    return DiffTable(names=names, lines=tuple(lines))
