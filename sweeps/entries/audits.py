"""What a finished audit says of an entry, and its certificate."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from golf.audit.certificate import MAX_LENGTH_EFFECT_NATS
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.store import EntryRecord
from sweeps.board.rules import LENGTH_EFFECT_CODE, UNAUDITED_CODE, RuleFinding
from sweeps.entries.form import audits_of
from sweeps.entries.lost import Lost, LostKind

COPIED_SHARE = 0.2
"""Share of a document's windows in the training tokens from which on it counts as copied; below it is a quotation."""
NOT_AUDITED = RuleFinding(code=UNAUDITED_CODE, detail="no certificate: its audit has not finished")
TOO_LITTLE = RuleFinding(code=UNAUDITED_CODE, detail="its audit could probe too little within audit.seconds")
KEPT_OUTPUTS = ("passed", "judged", "findings", "length_effect", "overlap")
"""Outputs of an audit that an entry keeps."""


def audit_findings(audit: Mapping[str, Any] | None) -> tuple[RuleFinding, ...]:
    """Findings of an audit's outcome; of None, that there is none yet."""
    if audit is None:
        return (NOT_AUDITED,)
    too_long = audit["length_effect"] > MAX_LENGTH_EFFECT_NATS
    codes = {"length": LENGTH_EFFECT_CODE if too_long else "length"}
    findings = [
        RuleFinding(code=codes.get(finding["condition"], finding["condition"]), detail=finding["detail"])
        for finding in audit["findings"]
    ]
    copied = [
        document for document in audit["overlap"] or () if document["shared"] >= COPIED_SHARE * document["windows"]
    ]
    if copied:
        first = copied[0]
        share = f"{first['shared']} of {first['windows']} windows of document {first['document']}"
        detail = f"{len(copied)} validation documents are in the training tokens as well: {share}"
        findings.append(RuleFinding(code="overlap", detail=detail))
    return (*findings, *([] if audit["judged"] else [TOO_LITTLE]))


def entry_findings(
    audit: Mapping[str, Any] | None, seed_audits: Mapping[str, Mapping[str, Any]]
) -> tuple[RuleFinding, ...]:
    """Findings of an entry's audit, and of the short ones on its further seeds what the first does not have.

    Args:
        audit: the outcome of its audit; None where there is none yet.
        seed_audits: outcomes of the short ones, by seed.
    """
    findings = list(audit_findings(audit))
    for seed, outcome in sorted(seed_audits.items(), key=lambda item: int(item[0])):
        known = {finding.code for finding in findings} | {UNAUDITED_CODE}  # so short an audit may probe too little
        findings += [
            replace(finding, detail=f"seed {seed}: {finding.detail}")
            for finding in audit_findings(outcome)
            if finding.code not in known
        ]
    return tuple(findings)


def read_certificate(entry: EntryRecord, files: FileStore, seed: str | None = None) -> dict[str, Any] | None:
    """The certificate of an entry's audit, or of the short one of a seed, as plain data; None where there is none.

    Raises:
        Unreadable: the file store has lost it.
    """
    audit = audits_of(entry).get(seed)
    if audit is None:
        return None
    certificate: dict[str, Any] = json.loads(files.get(audit["certificate"]))
    return certificate


def read_certificates(entries: Iterable[EntryRecord], files: FileStore, lost: Lost) -> dict[str, dict[str, Any]]:
    """Certificates by the entries' names, without those that are lost or not there yet."""
    certificates = {}
    for entry in entries:
        try:
            certificate = read_certificate(entry, files)
        except Unreadable:
            lost.note(LostKind.CERTIFICATE, f"{entry.sweep}/{entry.name}")
            continue
        if certificate is not None:
            certificates[entry.name] = certificate
    return certificates
