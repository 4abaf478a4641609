"""Provenance: how to make a page's numbers again, and on what they were measured."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sweeps.views.components.panels.copy_command import CopyCommand


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """A file that the page carries."""

    name: str
    label: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Facts, commands and files."""

    template: ClassVar[str] = "panels/provenance.html.j2"
    commands: tuple[tuple[str, CopyCommand], ...]
    """What each is for, and itself."""
    facts: tuple[tuple[str, str], ...]
    downloads: tuple[Download, ...]


def prepare_provenance(
    commands: Sequence[tuple[str, str]], facts: Mapping[str, str], downloads: Sequence[Download]
) -> Provenance:
    """From commands with their purpose, facts by name (empty ones are left out) and files."""
    return Provenance(
        commands=tuple((purpose, CopyCommand(command=command)) for purpose, command in commands),
        facts=tuple((name, text) for name, text in facts.items() if text),
        downloads=tuple(downloads),
    )


def make_download(name: str, label: str, media_type: str, content: str) -> Download:
    """A file inside the page, of a media type such as text/csv."""
    encoded = base64.b64encode(content.encode("utf-8", "backslashreplace")).decode()
    return Download(name=name, label=label, address=f"data:{media_type};base64,{encoded}")
