"""Names of entries, as people type them and as commands print them."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import InputError
from sweeps.entries.names import EntryName, command_name, resolve_entry

DEMO = [
    EntryName(sweep="demo", name=name) for name in ("lora-ttt", "sliding window", "trial 2", "trial 20", "trial 15")
]
REPORT = EntryName(sweep="demo", name="trial 20 report")
OLD = [EntryName(sweep="old", name=name) for name in ("trial 20", "trial 7", "only here")]
RECORD = EntryName(sweep="", name="2026-03-17_LoRA_TTT")
KNOWN = [*DEMO, REPORT, *OLD, RECORD]


def resolved(text: str) -> str:
    return resolve_entry(text, KNOWN, latest="demo").full


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("trial 20", "demo/trial 20"),
        ("trial-20", "demo/trial 20"),
        ("Trial_20", "demo/trial 20"),
        ("20", "demo/trial 20"),
        ("2", "demo/trial 2"),
        ("trial 2", "demo/trial 2"),
        ("15", "demo/trial 15"),
        ("20 report", "demo/trial 20 report"),
        ("20-rep", "demo/trial 20 report"),
        ("lora", "demo/lora-ttt"),
        ("sliding", "demo/sliding window"),
        ("demo/20", "demo/trial 20"),
        ("old/trial-20", "old/trial 20"),
        ("old/7", "old/trial 7"),
        ("ol/only", "old/only here"),
        ("2026-03-17_LoRA_TTT", "2026-03-17_LoRA_TTT"),
        ("2026-03", "2026-03-17_LoRA_TTT"),
    ],
)
def test_a_name_need_not_be_typed_as_it_is_written(text: str, entry: str) -> None:
    assert resolved(text) == entry


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("trial", 'entry "trial": 4 entries begin so; expected one of trial-2, trial-20, trial-15, trial-20-report'),
        ("lroa-ttt", 'entry "lroa-ttt": no confirmed entry of that name; did you mean lora-ttt?'),
        ("202", 'entry "202": no confirmed entry of that name; there are: lora-ttt, sliding-window, trial-2, '),
        ("only here", 'entry "only here": no confirmed entry of that name; did you mean old/only-here?'),
        ("new/20", 'entry "new/20": no confirmed entry of that name; did you mean '),
        ("", 'entry "": no confirmed entry of that name; there are: lora-ttt, sliding-window, trial-2, trial-20, '),
    ],
)
def test_what_fits_none_or_several_is_one_line_with_the_nearest(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        resolved(text)
    assert str(error.value).startswith(problem)
    assert str(error.value).count("\n") == 0


def test_a_number_is_not_short_for_a_longer_one_nor_for_a_date() -> None:
    known = [EntryName(sweep="demo", name="trial 20"), RECORD]
    for text in ("2", "trial 2", "202", "2026"):
        with pytest.raises(InputError, match="no confirmed entry"):
            resolve_entry(text, known, latest="demo")


def test_a_name_as_it_is_written_wins() -> None:
    arm, trial = (EntryName(sweep="demo", name=name) for name in ("trial-20", "trial 20"))
    known = [trial, arm]
    assert [resolve_entry(entry.name, known, latest="demo") for entry in known] == known
    assert [command_name(entry, known, latest="demo") for entry in known] == ["'trial 20'", "trial-20"]


WORDS = st.lists(st.sampled_from(["trial", "20", "2", "lora", "a", "é", "$x", "it's"]), min_size=1, max_size=3)
NAMES = st.builds(lambda words, joint: joint.join(words), WORDS, st.sampled_from([" ", "-", "_"]))
ENTRIES = st.builds(EntryName, sweep=st.sampled_from(["", "demo", "old"]), name=NAMES)


@given(st.lists(ENTRIES, min_size=1, max_size=8, unique_by=lambda entry: (entry.sweep or "demo", entry.name)))
def test_the_name_that_a_command_prints_is_the_entry_again(known: list[EntryName]) -> None:
    for entry in known:
        [word] = shlex.split(command_name(entry, known, latest="demo"))
        assert resolve_entry(word, known, latest="demo") == entry
