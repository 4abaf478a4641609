"""CopyCommand: a command as it is typed, with a button that copies it where scripts run."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyCommand:
    """One line for a terminal."""

    template: ClassVar[str] = "panels/copy_command.html.j2"
    command: str
