"""Names of entries: as people type them, and as commands print them.

`trial 20` is also `trial-20`, `20` and any beginning that no other entry has; `SWEEP/` in front names another sweep.
"""

import difflib
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from golf.errors import InputError, shown_name
from sweeps.contests.catalog import DEFAULT, list_contests

if TYPE_CHECKING:
    from jobs.workplace import Workplace

MOST_NAMED = 6
"""Entries that an error lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryName:
    """What tells an entry from all others of a home."""

    sweep: str
    """Empty for a public record."""
    name: str

    def within(self, sweep: str) -> str:
        """Its name among the entries of a sweep: with its own sweep in front where that is another one."""
        return self.name if self.sweep in ("", sweep) else self.full

    @property
    def full(self) -> str:
        """SWEEP/ENTRY, or the name of a public record."""
        return f"{self.sweep}/{self.name}" if self.sweep else self.name


def resolve_entry(text: str, known: Sequence[EntryName], *, latest: str = "") -> EntryName:
    """The entry that a person means.

    A name as it is written wins; then one that differs in case, or in spaces, hyphens and underscores alone; then a
    trial's number; then a beginning that a single entry has. Without SWEEP/ in front, entries of the latest sweep and
    public records are meant.

    Args:
        text: what was typed.
        known: all entries there are.
        latest: the sweep that is meant where none is named.

    Raises:
        InputError: no entry or several have such a name; the message lists the nearest, as a command takes them.
    """
    matches = match_entries(text, known, latest)
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = _list(matches, known, latest)
        raise InputError(f'entry "{shown_name(text)}": {len(matches)} entries begin so; expected one of {several}')
    near = find_near(text, known, latest)
    hint = f"did you mean {_list(near, known, latest)}?" if near else f"there are: {_list(known, known, latest)}"
    raise InputError(f'entry "{shown_name(text)}": no confirmed entry of that name; {hint}')


def match_entries(text: str, known: Sequence[EntryName], latest: str = "") -> list[EntryName]:
    """The entries that a text may mean: those of the first way of reading it that fits any."""
    full = list(dict.fromkeys(known))
    short = [entry for entry in full if entry.sweep in ("", latest)]
    if exact := [entry for entry in short if entry.name == text] or [entry for entry in full if entry.full == text]:
        return _own_first(exact, latest)
    sweep, slash, name = text.partition("/")
    if not slash:
        return _match(text, short)
    meant = _pick(sweep, [entry.sweep for entry in full if entry.sweep])
    within = _match(name, [entry for entry in full if entry.sweep in meant])
    return within or _match(text, short)


def find_near(text: str, known: Sequence[EntryName], latest: str = "") -> list[EntryName]:
    """The entries, three at most, whose names are most like a text; it may lack a sweep's name, or have a wrong one."""
    names: dict[str, EntryName] = {}
    for entry in known:
        for name in (entry.full, entry.within(latest)):
            names.setdefault(fold(name), entry)
    near = difflib.get_close_matches(fold(text), names, 3, 0.6) or difflib.get_close_matches(fold(text), names, 1, 0.4)
    elsewhere = [] if near else _match(text.rpartition("/")[2], known)
    return list(dict.fromkeys([*(names[name] for name in near), *elsewhere[:3]]))


def list_entries(place: "Workplace") -> list[EntryName]:
    """The names of all entries of a home: of its sweeps, of whatever contest, and of public records."""
    own = [EntryName(sweep=entry.sweep, name=entry.name) for entry in place.store.entries()]
    names = dict.fromkeys(name for _, name in name_records(place.store.records()))
    return [*own, *(EntryName(sweep="", name=name) for name in names)]


def command_name(entry: EntryName, known: Iterable[EntryName] = (), *, latest: str = "") -> str:
    """An entry's name as a command line takes it: `trial-20` for `trial 20`, in quotes only where it needs them.

    Args:
        entry: the entry; its sweep is left out where it is empty, or the latest.
        known: all entries there are, among which the name must still be this entry's.
        latest: the sweep that is meant where none is named.
    """
    name, others = entry.within(latest), [*known]
    short = name.replace(" ", "-")
    is_taken = bool(others) and match_entries(short, others, latest) != [entry]
    return shlex.quote(name if is_taken else short)


def fold(name: str) -> str:
    """A name without what people do not remember of it: case, and whether words are joined by space, "-" or "_"."""
    return re.sub(r"[\s_-]+", "-", name.casefold()).strip("-")


def _match(text: str, entries: Sequence[EntryName]) -> list[EntryName]:
    picked = _pick(text, [entry.name for entry in entries])
    return [entry for entry in entries if entry.name in picked]


def _pick(text: str, names: Sequence[str]) -> set[str]:
    """The names that a text means: by itself, folded, as a trial's number, or as a beginning.

    A number is never the beginning of another one: `trial 2` is not short for `trial 20`.
    """
    wanted = fold(text)
    if not wanted:
        return set()
    trial = f"trial-{wanted}"
    before = "(?:trial-)?" if wanted[0].isdigit() else ""
    after = r"(?!\d)" if wanted[-1].isdigit() else ""
    begins = re.compile(before + re.escape(wanted) + after)
    readings: tuple[Callable[[str], bool], ...] = (
        lambda name: name == text,
        lambda name: fold(name) == wanted,
        lambda name: fold(name) == trial and wanted[0].isdigit(),
        lambda name: not wanted.isdigit() and begins.match(fold(name)) is not None,
    )
    for fits in readings:
        if picked := set(filter(fits, names)):
            return picked
    return set()


def _own_first(entries: list[EntryName], latest: str) -> list[EntryName]:
    """An entry of the latest sweep before a public record of the same name."""
    return [entry for entry in entries if entry.sweep == latest] or entries


def _list(entries: Sequence[EntryName], known: Sequence[EntryName], latest: str) -> str:
    names = [command_name(entry, known, latest=latest) for entry in entries[:MOST_NAMED]]
    more = f" and {len(entries) - MOST_NAMED} more" if len(entries) > MOST_NAMED else ""
    return (", ".join(names) or "none yet") + more


def contest_of_record(content: Any) -> str:
    """The contest of a stored record; the default one where it says none that is known here."""
    named = content.get("contest", DEFAULT) if isinstance(content, Mapping) else DEFAULT
    return DEFAULT if named == DEFAULT or named not in list_contests() else str(named)


def name_of_record(content: Any) -> str:
    """The name that a stored record gives itself, or what stands for one."""
    name = content.get("name") if isinstance(content, Mapping) else None
    return name if isinstance(name, str) else "a record without a name"


def name_records(contents: Iterable[Any]) -> list[tuple[str, str]]:
    """Contest and name of each stored record; a name that a contest has already gets the next free number."""
    named: dict[tuple[str, str], None] = {}
    for content in contents:
        contest, name = contest_of_record(content), name_of_record(content)
        numbered = name
        for number in count(2):
            if (contest, numbered) not in named:
                break
            numbered = f"{name} ({number})"
        named[contest, numbered] = None
    return list(named)
