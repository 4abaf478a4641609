"""The provenance of a report: commands, machine, versions, digests, and files to download."""

import json
from collections.abc import Mapping
from typing import Any

from jobs.machine import software
from jobs.store import SweepRecord
from sweeps.text.escaping import to_json
from sweeps.views.components.panels.provenance import make_download, prepare_provenance
from sweeps.views.report.sections import Drawer, PageSection
from sweeps.views.verdicts.commands import CommandWords


def describe_provenance(
    record: SweepRecord, words: CommandWords, csv: str | None, text: Mapping[str, Any] | None = None
) -> PageSection:
    """Where the numbers of a report come from, and how to get them again.

    Args:
        record: the sweep.
        words: how commands name it.
        csv: the leaderboard as a file to download; None where it is too long for the page.
        text: sizes of the validation set, where they are known.
    """
    machine, data = record.spec["machine"], record.spec["data"]
    threads = f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'} a slot"
    facts = {
        "Machine": f"{machine['device']}, {machine['dtype']}, attention {machine['attention']}, {threads}",
        "Versions": ", ".join(f"{name} {version}" for name, version in software.versions().items()),
        "Code": software.commit() or "not from a checkout",
        "Validation tokens": ", ".join([_digest(data["val_digest"]), *_sizes(data, text)]),
        "Training tokens": _digest(data["train_digest"]),
        "Tokenizer": ", ".join([_digest(data["tokenizer_digest"]), *_pieces(data)]),
        "Owner": record.owner,
    }
    file = json.dumps(record.spec["file"], indent=2, ensure_ascii=False, default=str)
    downloads = [make_download(f"{record.name}.json", "Sweep file (JSON)", "application/json", file)]
    if csv is not None:
        downloads.append(make_download(f"{record.name}.csv", "Leaderboard (CSV)", "text/csv", csv))
    commands = [
        ("All columns", words.leaderboard()),
        ("This page again", words.open()),
        ("The sweep and its jobs", words.show()),
    ]
    return PageSection(
        name="provenance",
        title="Provenance",
        parts=(prepare_provenance(commands, facts, downloads),),
        drawers=(Drawer(name="sweep-file", title="Sweep file as it was read", text=to_json(record.spec["file"])),),
    )


def _digest(digest: str | None) -> str:
    return f"SHA-256 {digest}" if digest else "none"


def _sizes(data: Mapping[str, Any], text: Mapping[str, Any] | None) -> list[str]:
    sizes = [f"{data['val_documents']:,} documents"] if data.get("val_documents") is not None else []
    if text and text["tokens"]:
        sizes.append(f"{text['tokens']:,} tokens, {text['bytes']:,} bytes")
    return sizes


def _pieces(data: Mapping[str, Any]) -> list[str]:
    return [] if data.get("vocab_size") is None else [f"{data['vocab_size']:,} pieces"]
