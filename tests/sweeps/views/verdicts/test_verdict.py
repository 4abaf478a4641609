"""The verdict on a sweep and the next step: each case once, and the same words from every surface."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.workplace import Workplace
from sweeps.board.compare import compare
from sweeps.cli.app import app
from sweeps.entries.reading import board_of, pair_of
from sweeps.views.terminal.card import Card
from sweeps.views.terminal.compare_evidence import list_conclusions
from sweeps.views.terminal.read_overview import read_overview
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.read_verdict import advance_comparison, read_verdict
from sweeps.views.verdicts.spending import Spent, SweepProgress
from sweeps.views.verdicts.sweep_verdict import SweepVerdict
from sweeps.views.verdicts.verdict import judge_sweep
from tests.sweeps.made_up import file, play
from tests.sweeps.made_up_rows import DEMO, Row, claim, row

SPENT = Spent(slot_hours=0.15, dollars=0.0075, unit="core", jobs=69)


def verdict(rows: Any = DEMO, baseline: str | None = "lora-ttt", spent: Spent = SPENT) -> SweepVerdict:
    return judge_sweep("demo", rows, baseline=baseline, spent=spent, progress=SweepProgress())


def leading(**changes: Any) -> list[Row]:
    return [{**DEMO[0], **changes}, *DEMO[1:]]


def chip(title: str, rows: Any = DEMO, **changes: Any) -> tuple[Rating, str, str]:
    [found] = [each for each in verdict(rows, **changes).chips if each.title == title]
    assert isinstance(found, Chip)
    return found.standing, found.word, found.detail


def test_the_leader_and_its_gain() -> None:
    judged = verdict()
    assert (judged.leader, judged.score, judged.n, judged.baseline, judged.baseline_role) == (
        "trial 20", 1.80504, 3, "lora-ttt", "baseline",
    )  # fmt: skip
    assert judged.gain == pytest.approx(6.95)
    assert verdict(leading(incumbent="PR 7")).baseline_role == "current record"
    none = verdict(leading(incumbent=None, difference_mbpb=None))
    assert none.gain == pytest.approx(1000 * (1.81199 - 1.80504)) and none.baseline == "lora-ttt"
    assert [each.title for each in judged.chips] == ["Record", "Caution", "Legal", "Fits", "Cost"]


@pytest.mark.parametrize(
    ("changes", "standing", "word"),
    [
        ({}, Rating.WARN, "NOT SHOWN"),
        (claim(p=0.0001), Rating.GOOD, "SHOWN"),
        (claim(p=0.005), Rating.WARN, "SHOWN"),  # but not after correction for seven settings
        (claim(p=0.99, mbpb=4.0), Rating.BAD, "NOT SHOWN"),
        ({"written_rule": None}, Rating.UNKNOWN, "UNDECIDED"),
        ({"incumbent": None}, Rating.UNKNOWN, "NOTHING TO BEAT"),
    ],
)
def test_whether_the_record_is_beaten(changes: Row, standing: Rating, word: str) -> None:
    assert chip("Record", leading(**changes))[:2] == (standing, word)


def test_what_makes_the_leader_look_better_than_it_is() -> None:
    assert chip("Caution") == (
        Rating.WARN, "BEST OF 24", "luck alone explains 2.58 mBPB; p = 0.089 over 7 settings",
    )  # fmt: skip
    holm = leading(p_adjusted=0.33)
    assert chip("Caution", holm)[2] == "luck alone explains 2.58 mBPB; Holm p = 0.330"
    # Holm's correction is of the claim against the baseline by Welch's test, and of no other.
    assert "Holm" not in chip("Caution", leading(p_adjusted=0.33, p_written_rule_paired=0.0133))[2]
    assert "Holm" not in chip("Caution", leading(p_adjusted=0.33, incumbent="PR 7"))[2]
    assert chip("Caution", leading(trials=0)) == (Rating.WARN, "7 SETTINGS TRIED", "p = 0.089 over 7 settings")
    assert chip("Caution", leading(seeds={"1": 1.8}))[1] == "ONE SEED"
    assert chip("Caution", leading(**claim(p=0.0001)))[0] == Rating.GOOD


def test_whether_it_is_legal() -> None:
    assert chip("Legal") == (Rating.GOOD, "PASSED", "3 of 3 seeds audited; not timed on contest hardware")
    alike = leading(same_code=True, same_settings=True, machine="cpu AVX512", unchecked=[])
    assert chip("Legal", alike)[2] == "3 of 3 seeds audited; same code, settings and hardware"
    mixed = leading(same_code=False, same_settings=True, machine=None, unchecked=[])
    assert chip("Legal", mixed)[2] == "3 of 3 seeds audited; same settings; DIFFERENT code"
    two = leading(unchecked=["noise of seeds", "the scorer: not tested", "bytes"])
    assert chip("Legal", two)[2] == "3 of 3 seeds audited; not checked: noise of seeds; 2 more not checked"
    unverified = [{**each, "track": "unverified"} for each in DEMO[:1]]
    assert chip("Legal", unverified)[:2] == (Rating.UNKNOWN, "UNVERIFIED")
    assert chip("Legal", DEMO[3:])[:2] == (Rating.BAD, "NO LEGAL ENTRY")
    assert chip("Legal", [])[:2] == (Rating.UNKNOWN, "NO ENTRY YET")


@pytest.mark.parametrize(
    ("changes", "word", "detail"),
    [
        ({}, "YES", "0.55 of 16 MB · train 14 of 600 s · eval 12 of 600 s (worst seed)"),
        ({"bytes_total": 16_000_001}, "NO", "16.000001 of 16 MB"),
        ({"bytes_total": 15_999_999}, "YES", "15.999999 of 16 MB"),
        ({"train_seconds": 600.2}, "NO", "train 600.2 of 600 s"),
        ({"eval_seconds": None}, "AS FAR AS KNOWN", "0.55 of 16 MB · train 14 of 600 s (worst seed)"),
        ({"bytes_total": None, "train_seconds": None, "eval_seconds": None}, "UNKNOWN", "neither bytes nor times"),
    ],
)
def test_whether_it_fits_and_no_number_is_rounded_onto_its_limit(changes: Row, word: str, detail: str) -> None:
    assert chip("Fits", leading(**changes))[1] == word
    assert detail in chip("Fits", leading(**changes))[2]


def test_what_it_cost() -> None:
    assert chip("Cost") == (Rating.GOOD, "$0.0075", "0.15 core-hours · 69 jobs")
    over = Spent(slot_hours=2.0, dollars=6.0, unit="GPU", jobs=1, budget_dollars=5.0)
    assert chip("Cost", spent=over) == (Rating.BAD, "$6.00 of $5.00", "2.00 GPU-hours · 1 job")
    assert chip("Cost", spent=Spent(slot_hours=0.001, dollars=None)) == (Rating.UNKNOWN, "4 slot-seconds", "")


COMPARE = "golfsweep compare trial-20 lora-ttt"


@pytest.mark.parametrize(
    ("changes", "sentence", "command"),
    [
        ({}, "1 to 23 more seeds each, $0.0009 to $0.02", COMPARE),
        ({"dollars_to_record": None}, "1 to 23 more seeds each", COMPARE),
        ({"seeds_to_record_most": None, "dollars_to_record_most": None}, "at least 1 more seed each, $0.0009", COMPARE),
        ({"seeds_to_record_most": 1, "incumbent_too": False}, "1 more seed, $0.0009 to $0.02", COMPARE),
        ({"seeds_to_record": None}, "find a larger gain: no affordable number of seeds would show this one", COMPARE),
        ({"written_rule": None}, "give both at least two seeds, on a validation set of known size", COMPARE),
        (claim(p=0.005), "test it on fresh seeds", "golfsweep challenge trial-20"),
        (claim(p=0.0001), "write it up", "golfsweep package trial-20 --out trial-20"),
        ({"incumbent": None}, "nothing beats it yet: add arms or trials to the sweep file", None),
        ({"incumbent": "old/best"}, "1 to 23 more seeds each, $0.0009 to $0.02", "golfsweep compare trial-20 old/best"),
    ],
)
def test_the_next_step(changes: Row, sentence: str, command: str | None) -> None:
    assert asdict(verdict(leading(**changes)).next) == {"sentence": sentence, "command": command}


def test_commands_work_where_the_sweep_was_run() -> None:
    elsewhere = CommandWords(sweep="demo", latest="later", options="--home '/a b'")
    assert elsewhere.compare("trial 20", "lora-ttt") == (
        "golfsweep compare demo/trial-20 demo/lora-ttt --home '/a b'"
    )  # fmt: skip
    assert CommandWords(sweep="it's").show("a b") == """golfsweep show 'it'"'"'s/a-b'"""


def test_every_command_that_is_suggested_exists() -> None:
    words = CommandWords(sweep="demo")
    suggested = [
        words.compare("a", "b"), words.challenge("a"), words.package("a"), words.show(), words.show("a"),
        words.status(), words.retry(), words.open(), words.leaderboard(), words.logs("abc"), "golfsweep init",
    ]  # fmt: skip
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert {command.split()[1] for command in suggested} <= known


CLAIMS = st.builds(
    claim, p=st.floats(1e-9, 1.0), mbpb=st.floats(-20, 20), seeds_to_record=st.one_of(st.none(), st.integers(1, 200)),
    seeds_to_record_most=st.one_of(st.none(), st.integers(1, 200)), incumbent_too=st.booleans(),
    dollars_to_record=st.one_of(st.none(), st.floats(0, 1e4)),
)  # fmt: skip


@given(CLAIMS, st.sampled_from(["legal", "unverified"]), st.sampled_from(["lora-ttt", "other", None]))
@settings(max_examples=60)
def test_the_card_of_the_leader_says_the_next_step_of_its_sweep(changes: Row, track: str, baseline: str | None) -> None:
    rows = leading(**changes, track=track)
    words, leader = CommandWords(sweep="demo"), verdict(rows, baseline).leader
    entry = next(each for each in rows if each["name"] == leader)
    card = Card(facts=entry | {"sweep": "demo"}, commands=words, baseline=baseline).lay_out(400)
    step = verdict(rows, baseline).next
    assert [step.sentence in line.plain for line in card if line.plain.startswith("Next")] == [True]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = Workplace.open(tmp_path_factory.mktemp("verdict") / "home")
    play(home, file("spring", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    near = {"name": "near", "eval": {"lr": 0.011}}
    play(home, file("summer", arm=[{"name": "base", "baseline": True}, near]))
    return home


@pytest.mark.parametrize("sweep", ["spring", "summer"])
def test_run_leaderboard_show_and_compare_say_the_same_of_a_real_home(place: Workplace, sweep: str) -> None:
    rows = board_of(sweep, place).table()
    judged = read_verdict(sweep, rows, place)
    overview = [line.plain for line in read_overview(sweep, rows, place).lay_out(400)]
    shown = [judged.next.sentence, *([judged.next.command] if judged.next.command else [])]
    assert f"Next     {' · '.join(shown)}" in overview
    for entry in rows:
        words = words_for(sweep, place)
        card = Card(facts=entry, commands=words, baseline=baseline_of(sweep, place)).lay_out(400)
        own = next(line.plain for line in card if line.plain.startswith("Next"))
        if entry["name"] == judged.leader:
            assert own == f"Next     {' · '.join(shown)}"
        if entry["incumbent"] is not None:
            comparison = compare(pair_of(f"{sweep}/{entry['name']}", entry["incumbent"], place))
            step = advance_comparison(comparison, place)
            assert own.startswith(f"Next     {step.sentence}")
            assert f"Next: {step.sentence}." in list_conclusions(comparison, step)


def test_the_columns_of_a_claim_are_those_of_its_comparison(place: Workplace) -> None:
    from sweeps.views.verdicts.next_step import claim_of_comparison, claim_of_entry

    entry = next(each for each in board_of("summer", place).table() if each["incumbent"] is not None)
    comparison = compare(pair_of(f"summer/{entry['name']}", entry["incumbent"], place))
    ours, theirs = claim_of_entry(entry), claim_of_comparison(comparison)
    assert ours is not None
    assert (ours.challenger, ours.passed) == (theirs.challenger, theirs.passed)
    if not ours.passed:
        assert (ours.seeds, ours.seeds_most, ours.dollars) == (theirs.seeds, theirs.seeds_most, theirs.dollars)


def test_a_row_may_tell_almost_nothing() -> None:
    silent = row("PR", None, track="unverified", source="import", bytes=None, unchecked=None)
    assert verdict([silent]).leader is None
    assert verdict([row("PR", 1.1, source="import", bytes=None, bytes_total=None, unchecked=None)]).leader == "PR"
