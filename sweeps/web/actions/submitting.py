"""Submitting a sweep file: checked, written down once, and from then on taken by whoever runs the queue."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

from golf.errors import InputError, shown, shown_name
from jobs.store import Store, SubmissionRecord, Submitted, SubmittedContent
from jobs.workplace import Workplace
from sweeps.spec.checks.names import check_names
from sweeps.spec.reading import parse_assignments, parse_toml
from sweeps.web.actions.checking import check_file

WHERE = "sweep file"
ONE_AT_A_TIME = tuple(threading.Lock() for _ in range(64))
"""By content: the same file that is sent several times at once is checked once."""
MOST_LINES = 5000
"""Of a version that is compared with another: the time that it takes grows with their square."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What somebody wants to submit."""

    content: SubmittedContent
    tags: Sequence[str] = ()
    agent: str | None = None


def submit_sweep(draft: Draft, place: Workplace, store: Store) -> Submitted:
    """Submit a sweep, unless its latest version has the same content already.

    Args:
        draft: what was sent.
        place: where the contents of its files are.
        store: acts in the name of whoever submits it.

    Raises:
        InputError: everything that is wrong with the file, the tags or the digests.
        HTTPException: too many others are being checked.
    """
    content = draft.content
    check_names(draft.tags, "tags")
    check_names([draft.agent] if draft.agent else [], "agent")
    name = _name_of(content)
    last = None if name is None else place.store.submission(name)
    if last is not None and last.digest == content.digest:
        return Submitted(last, is_new=False)
    missing = [
        f"files: {shown_name(path)}: its content is not here; PUT /api/v1/contents/{digest} sends it"
        for path, digest in content.files.items()
        if not place.files.has(digest)
    ]
    if missing:
        raise InputError(*missing)
    with ONE_AT_A_TIME[int(content.digest[:8], 16) % len(ONE_AT_A_TIME)]:
        last = None if name is None else place.store.submission(name)
        if last is not None and last.digest == content.digest:  # somebody sent the same meanwhile
            return Submitted(last, is_new=False)
        facts = check_file(content.file, content.assignments, content.files)
        return store.submit(
            facts["name"], content, agent=draft.agent or None, tags=list(draft.tags), priority=facts["priority"]
        )


def differences(before: SubmissionRecord | None, after: SubmissionRecord) -> str:
    """A unified diff from one version of a sweep to another, unless they are very long; empty for the first one."""
    if before is None:
        return ""
    texts, names = (_lines(before), _lines(after)), (f"version {before.version}", f"version {after.version}")
    if max(map(len, texts)) > MOST_LINES:
        return f"{' and '.join(names)} have more than {MOST_LINES:,} lines; too long to be compared here"
    return "\n".join(unified_diff(*texts, *names, lineterm="", n=3))


def _lines(record: SubmissionRecord) -> list[str]:
    """All that decides what a version runs, as lines of text."""
    values = [f"--set {assignment}" for assignment in record.assignments]
    return [*record.file.splitlines(), *values, *(f"{path}: {digest}" for path, digest in record.files.items())]


def _name_of(content: SubmittedContent) -> str | None:
    """The name that a file gives its sweep, as far as that is seen without checking all of it.

    Raises:
        InputError: it is not TOML, or has no name.
    """
    source = parse_toml(content.file.encode(), WHERE)
    name = parse_assignments(content.assignments).get("name", source.get("name"))
    if name is None:
        raise InputError(f"{WHERE}: name: missing; expected the name of the sweep")
    if not isinstance(name, str):
        raise InputError(f"{WHERE}: name = {shown(name)}: expected text in quotes")
    check_names([name], f"{WHERE}: name =")
    return name
