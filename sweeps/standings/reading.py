"""From a home to the standings of a contest."""

from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.contests.contest import Contest
from sweeps.entries.facts import contest_of
from sweeps.entries.lost import Lost
from sweeps.entries.names import contest_of_record, list_entries, match_entries
from sweeps.standings.board import Standings
from sweeps.standings.entry import read_stored
from sweeps.standings.own import read_own_entries
from sweeps.standings.standing import Standing


def standings_of(contest: Contest, place: Workplace, lost: Lost | None = None) -> Standings:
    """The standings of a contest: public records, and the entries of own sweeps.

    Args:
        contest: the contest.
        place: the home.
        lost: collects which logs of own entries could not be read.
    """
    stored = [content for content in place.store.records() if contest_of_record(content) == contest.name]
    return Standings(contest, [*read_stored(stored, contest), *read_own_entries(contest, place, lost or Lost())])


def choose_contest(place: Workplace, name: str | None, sweep: str | None) -> tuple[Contest, list[str]]:
    """Which contest a leaderboard shows, and a line for each other contest that the home has entries of.

    Args:
        place: the home.
        name: the contest that was asked for.
        sweep: the sweep that was asked for, by default the latest; without any contest named, its contest is shown.

    Raises:
        InputError: there is no such contest, or the sweep is of another one.
    """
    present = list_present(place)
    sweeps = [record for record in place.store.sweeps() if sweep in (None, record.name)]
    own = contest_of(sweeps[-1]) if sweeps else next(iter(present), DEFAULT)
    chosen = contest_named(name or own)
    if sweep is not None and chosen.name != own:
        raise InputError(f"sweep {sweep}: is of the contest {own}, not {chosen.name}; leave out one of the two")
    others = (other for other in present if other != chosen.name)
    return chosen, [f"Entries of {other}: golfsweep leaderboard --contest {other}" for other in others]


def latest_sweep_of(contest: Contest, place: Workplace) -> str | None:
    """The latest sweep of a contest; None where it has none."""
    return next((sweep.name for sweep in reversed(place.store.sweeps()) if contest_of(sweep) == contest.name), None)


def list_present(place: Workplace) -> list[str]:
    """The contests of a home's public records and sweeps, the default first."""
    contests = {contest_of_record(content) for content in place.store.records()}
    contests |= {contest_of(sweep) for sweep in place.store.sweeps()}
    return sorted(contests, key=lambda contest: (contest != DEFAULT, contest))


def find_standing(name: str, place: Workplace) -> tuple[Standings, Standing] | None:
    """The entry of a name in the standings of any contest; None where there is none.

    Raises:
        InputError: entries of several contests have that name.
    """
    boards = [standings_of(contest_named(contest), place) for contest in list_present(place) if contest != DEFAULT]
    if not boards:
        return None
    sweeps = place.store.sweeps()
    meant = match_entries(name, list_entries(place), sweeps[-1].name if sweeps else "")
    names = [name, *(entry.full for entry in meant[:1] if len(meant) == 1)]
    by_name = [[(board, standing) for board in boards if (standing := board.find(each))] for each in names]
    matches = next(filter(None, by_name), [])
    if len(matches) > 1:
        contests = ", ".join(board.contest.name for board, _ in matches)
        raise InputError(f'entry "{name}": entries of several contests have that name ({contests}); rename a folder')
    return matches[0] if matches else None


def pair_named(challenger: str, incumbent: str, place: Workplace) -> tuple[Standings, Standing, Standing] | None:
    """Two entries of one contest, and its standings; None where both are to be looked for in the default contest.

    Raises:
        InputError: they are of different contests.
    """
    ours, theirs = (find_standing(name, place) for name in (challenger, incumbent))
    if ours is None and theirs is None:
        return None
    contests = [DEFAULT if side is None else side[0].contest.name for side in (ours, theirs)]
    if ours is None or theirs is None or contests[0] != contests[1]:
        raise InputError(
            f"{challenger} and {incumbent}: are not two entries of one contest ({contests[0]}, {contests[1]}); see "
            "golfsweep leaderboard --contest NAME"
        )
    return ours[0], ours[1], next(standing for standing in ours[0].all if standing.entry == theirs[1].entry)
