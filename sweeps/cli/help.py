"""Help texts: commands by purpose, whole sentences, any width of the terminal, and examples that can be copied."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

GROUPS: Mapping[str, Sequence[str]] = {
    "Run": ("demo", "init", "run", "plan", "work", "submit", "cancel", "retry", "attach"),
    "See": ("ls", "status", "watch", "logs", "leaderboard", "show", "open"),
    "Compare and trust": ("compare", "challenge", "audit", "prove", "check"),
    "Publish": ("import", "package", "export"),
    "Team": ("serve", "token", "webhook", "share"),
    "Agents": ("next", "wait", "mcp"),
    "Machine": ("doctor", "selftest", "bench", "train", "eval", "gc"),
}
"""Every command, by purpose, in the order of the help page."""
COMMON = ("--home", "--db", "--files", "--server", "--json", "--brief", "--debug", "--help")
"""Options that most commands take; their help lists them last."""
WIDEST = 120


def width() -> int:
    """Columns that help texts may use."""
    return min(WIDEST, shutil.get_terminal_size().columns) - 1


class Command(TyperCommand):
    """A command whose help shows its own options before the common ones, and does not break its example."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The arguments in the usage line, without typer's braces around what is required."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the description."""
        _write_description(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, options, and common options."""
        arguments: list[tuple[str, str]] = []
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if (row := parameter.get_help_record(ctx)) is None:
                continue
            if parameter.param_type_name == "argument":
                arguments.append((row[0].partition(" <")[0], row[1]))
            else:
                (common if any(name in COMMON for name in parameter.opts) else own).append(row)
        _write_section("Arguments", arguments, formatter)
        _write_section("Options", own, formatter)
        _write_section("Common options", common, formatter)


class Group(TyperGroup):
    """A group of commands, e.g. bench, whose help lists them before its options."""

    def lists(self) -> Mapping[str, Sequence[str]]:
        """Names of its commands by heading."""
        return {"Commands": list(self.commands)}

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the description."""
        _write_description(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        longest = max(map(len, self.commands))
        for title, names in self.lists().items():
            rows = [(name.ljust(longest), summary(self.commands[name].help)) for name in names]
            _write_section(title, rows, formatter)
        options = [parameter.get_help_record(ctx) for parameter in self.get_params(ctx)]
        _write_section("Options", [row for row in options if row is not None], formatter)


class Root(Group):
    """All commands, by purpose."""

    def lists(self) -> Mapping[str, Sequence[str]]:
        """Names of the commands by purpose."""
        return GROUPS


def summary(text: str | None) -> str:
    """The first paragraph of a description, which stands for the command in lists."""
    return " ".join((text or "").split("\n\n")[0].split())


def _write_description(text: str, formatter: Any) -> None:
    for paragraph in text.split("\n\n"):
        formatter.write_paragraph()
        if paragraph.startswith("Example:"):
            formatter.write(f"  {' '.join(paragraph.split())}\n")  # wrapped, it could not be copied
        else:
            with formatter.indentation():
                formatter.write_text(" ".join(paragraph.split()))


def _write_section(title: str, rows: Iterable[tuple[str, str]], formatter: Any) -> None:
    if rows := list(rows):
        with formatter.section(title):
            formatter.write_dl(rows, col_max=max(12, formatter.width // 3))
