"""What an audit of a script's own scorer says of a seed: whether it is legal, and whether it is what made the score."""

from collections.abc import Mapping
from typing import Any

from golf.audit.rescoring import find_disagreement
from golf.errors import InputError
from jobs.errors import Unreadable
from jobs.files import FileStore
from sweeps.board.rules import UNAUDITED_CODE, RuleFinding
from sweeps.entries.audits import entry_findings
from sweeps.entries.tables import read_scores


def scorer_findings(
    audit: Mapping[str, Any] | None,
    seed_audits: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, Any] | None,
    scored: Mapping[str, Any],
    files: FileStore,
) -> tuple[RuleFinding, ...]:
    """Findings of a seed whose sweep names a scorer.

    Args:
        audit: the outcome of its entry's audit; None where there is none yet.
        seed_audits: outcomes of the short ones, by seed.
        own: the outcome of that one of them which read the seed's own artifact, with what the scorer gave validation
            documents (`rescored`); None where there is none yet.
        scored: outputs of the seed's scored stage.
        files: where its table of documents is.
    """
    findings = entry_findings(audit, seed_audits)
    if audit is None:
        return findings
    reason = "its scorer has not been compared with its score: that seed's audit has not finished"
    if own is not None:
        reason = _disagreement(own, scored, files) or ""
    return (*findings, *([RuleFinding(code=UNAUDITED_CODE, detail=reason)] if reason else []))


def _disagreement(own: Mapping[str, Any], scored: Mapping[str, Any], files: FileStore) -> str | None:
    """Why the audited function need not be what made the score."""
    digest, metric = scored.get("document_scores"), scored.get("metric") or {}
    try:
        table = None if digest is None else read_scores(files, digest)
    except (Unreadable, InputError) as error:
        return f"its table of documents cannot be read: {error}"
    return find_disagreement(own["rescored"], metric.get("value", float("nan")), table)
