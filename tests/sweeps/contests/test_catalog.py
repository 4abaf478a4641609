"""The files of contests: what they hold, and what a wrong one is told."""

from decimal import Decimal
from pathlib import Path

import pytest

from golf import limits
from golf.data.provenance import CONTEST_WHOLE_TOKENS
from golf.errors import InputError
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.rules import LIMIT_SECONDS
from sweeps.contests.catalog import FOLDER, contest_named, default_contest, list_contests, read_contest


def test_the_contests_of_the_project_are_these() -> None:
    assert list_contests() == ["parameter-golf", "modded-nanogpt-1", "modded-nanogpt-3"]
    assert [contest_named(name).name for name in list_contests()] == list_contests()
    assert default_contest().name == "parameter-golf"


def test_parameter_golf_is_what_the_rest_of_the_code_takes_it_for() -> None:
    golf = default_contest()
    assert golf.limits.bytes == limits.LIMIT_BYTES == 16_000_000
    assert LIMIT_SECONDS == 600.0
    assert golf.sets["sp1024"].tokens == CONTEST_WHOLE_TOKENS
    assert [(rule.margin_nats, rule.level) for rule in MARGIN_RULES.values()] == [(0.005, 0.01), (0.0, 0.25)]


def test_numbers_of_rules_are_exact() -> None:
    rule, better = contest_named("modded-nanogpt-3").rule, contest_named("modded-nanogpt-3").improvement
    assert (rule.target, rule.threshold) == (Decimal("3.28"), Decimal("0.004"))
    assert better is not None and better.allowance_per_100 == Decimal("0.0045")


@pytest.mark.parametrize("name", ["modded-nanogpt", "../contests/parameter-golf", ""])
def test_an_unknown_contest_is_refused_with_the_nearest_or_all(name: str) -> None:
    with pytest.raises(InputError, match=r"no such contest; (did you mean|known are)"):
        contest_named(name)


TRACK_3 = (FOLDER / "modded-nanogpt-3.toml").read_text()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("[score]", "[scores]", r"scores: Extra inputs"),
        ("sigma = 0.0013\nthreshold = 0.004\nallowance", "allowance", r"improvement: .*sigma, threshold missing"),
        ("target = 3.28", "target = -1", r"rule\.target: "),
        ("'^={100}$'", "'^(={100}$'", r"log\.ruler: .*not a regular expression"),
        ('reader = "step-lines"', 'reader = "other"', r'log\.reader = "other": no such reader; known are step-lines'),
        (
            'test = "known-sigma"\ntarget',
            'test = "welch"\nlevel = 0.1\ntarget',
            r"margin_nats, precedent_level missing",
        ),
        ("seeds = false", "seeds = true", r"log\.seed: missing"),
        ('title = "', "title = ", r"not a contest's file"),
    ],
)
def test_a_wrong_file_is_one_line_with_the_key(tmp_path: Path, before: str, after: str, problem: str) -> None:
    path = tmp_path / "own.toml"
    assert before in TRACK_3
    path.write_text(TRACK_3.replace(before, after, 1))
    with pytest.raises(InputError, match=problem) as error:
        read_contest(path)
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in error.value.problems)
