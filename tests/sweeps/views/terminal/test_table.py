"""The leaderboard as text: whole numbers within 80 columns, names as they are, reasons beneath."""

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from sweeps.board.leaderboard import COLUMNS
from sweeps.views.terminal.table import BY_IMPORTANCE, CELLS, format_cells, render

ROW: dict[str, Any] = dict.fromkeys(COLUMNS) | {
    "name": "klora", "track": "legal", "rank": 1, "val_bpb_mean": 1.07983, "val_bpb_std": 0.00049,
    "val_bpb_ci95": [1.07861, 1.08106], "seeds": {"2024": 1.07928, "2025": 1.07996, "2026": 1.08024},
    "p_value": 0.0204, "p_adjusted": 0.04, "p_incumbent": 0.00004, "p_paired": None, "bytes_total": 15_999_950,
    "train_seconds": 599.8, "eval_seconds": 45.0, "clocks": {}, "bytes": {}, "cost": 37.5, "findings": [],
    "source": "golfsweep",
    "written_rule": False, "precedent": True,
}  # fmt: skip
UNKNOWN = dict.fromkeys(
    (
        "val_bpb_std",
        "val_bpb_ci95",
        "p_value",
        "p_adjusted",
        "p_incumbent",
        "p_paired",
        "cost",
        "written_rule",
        "precedent",
    )
)


def shown(*rows: dict[str, Any], width: int = 80) -> str:
    table = [dict.fromkeys(COLUMNS) | ROW | row for row in rows]
    console = Console(width=width, file=io.StringIO(), force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(render(table))
    return captured.get()


NUMBERS = (
    "1.0798", "± 0.0005", "1.0786", "1.0811", "2024: 1.0793", "2025: 1.0800", "2026: 1.0802", "0.020", "4e-05",
    "15,999,950", "$37.50", "10:00 min", "45 s",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["klora", "klora-minnll-614", "a-name-without-any-space-that-is-far-too-long-for-a-column", "many words " * 6],
)
def test_no_number_is_cut_on_80_columns(name: str) -> None:
    text = shown({"name": name}, {"name": "other", "rank": 2})
    assert max(map(len, text.splitlines())) <= 80
    assert "Left out" not in text
    for number in NUMBERS:
        assert number in text


def test_a_long_name_keeps_both_ends_and_is_whole_where_there_is_room() -> None:
    name = "a-name-without-any-space-that-is-far-too-long-for-a-column"
    line = next(line for line in shown({"name": name}).splitlines() if line.startswith("1  "))
    beginning, end = line.split()[1].split("…")
    assert name.startswith(beginning) and name.endswith(end) and beginning and end
    assert name in shown({"name": name}, width=200)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("name", ["klora", "x" * 500, "名前" * 40, "e\u0301" * 60, "\U0001f3cc" * 50], ids=str.__len__)
def test_rank_and_name_stay_and_what_is_left_out_is_named(width: int, name: str) -> None:
    text = shown({"name": name, "rank": 17}, width=width)
    table = text.partition("  Evidence for the leader")[0]
    lines = table.splitlines()
    assert all(cell_len(line) <= width for line in lines), lines
    first = next(line for line in lines if line.startswith("17  "))
    assert first.split("  ")[1].strip()[0] == name[0]
    missing = [heading for heading in CELLS if heading.split(", ")[0] not in lines[1]]
    assert ("Left out: " in table) == bool(missing)
    left_out = " ".join(text.split("Left out: ")[-1].split()).split(". A wider terminal")[0]
    assert set(left_out.split("; ") if missing else []) == {heading.replace(", ", " ") for heading in missing}
    assert "#" not in missing and "entry" not in missing
    if missing:
        assert "--json" in table
    shown_numbers = [cell for heading in CELLS if heading not in missing for cell in format_cells(ROW)[heading]]
    for number in shown_numbers[2:]:
        assert number in table, number


def test_the_least_important_columns_go_first() -> None:
    kept = [
        [heading for heading in BY_IMPORTANCE if heading.split(", ")[0] in shown({}, width=width).splitlines()[1]]
        for width in range(14, 90)
    ]
    assert all(columns == list(BY_IMPORTANCE[: len(columns)]) for columns in kept)
    assert kept[0] == [] and kept[-1] == list(BY_IMPORTANCE)
    assert len({len(columns) for columns in kept}) == len(BY_IMPORTANCE) + 1


def test_what_is_not_known_is_a_dash() -> None:
    cells = format_cells(ROW | UNKNOWN)
    assert cells["bpb ± std"] == ["1.0798", "–"]
    assert cells["95 %"] == ["–"]
    assert cells["p base, best, shown"] == ["–", "–", "–/–"]
    assert cells["bytes, cost"] == ["15,999,950", "–"]
    text = shown(UNKNOWN)
    assert "None" not in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "0e+00"), (1e-5, "1e-05"), (0.00099, "1e-03"), (0.001, "0.001"), (0.0634, "0.063"), (1, "1.000")],
)
def test_a_small_p_is_never_shown_as_nothing(p: float, text: str) -> None:
    assert format_cells(ROW | {"p_value": p})["p base, best, shown"][0] == text


@pytest.mark.parametrize(
    ("cost", "text"), [(0.0, "$0.0000"), (0.0042, "$0.0042"), (0.01, "$0.01"), (1234.5, "$1234.50")]
)
def test_a_small_cost_is_shown(cost: float, text: str) -> None:
    assert format_cells(ROW | {"cost": cost})["bytes, cost"][1] == text


def test_the_reasons_of_flagged_entries_stand_beneath_their_table() -> None:
    finding = [{"code": "C3", "detail": "each token is scored after training on it"}]
    text = shown({}, {"name": "leak", "track": "flagged", "findings": finding})
    legal, flagged = text.split("Flagged")
    assert "klora" in legal
    assert "leak" not in legal
    assert "never ranked with legal entries" in flagged
    assert "leak – C3: each token is scored after training on it" in flagged


def test_notes_of_legal_entries_are_shown_too() -> None:
    finding = [{"code": "length", "detail": "scores depend on the document's length"}]
    assert "klora – length: scores depend" in shown({"findings": finding})


@pytest.mark.parametrize("name", ["[red]x[/red]", "[/]", "[bold", "a[0]", "[link=http://x]y", "back\\", "\\[x]"])
def test_markup_in_a_name_is_shown_as_it_is(name: str) -> None:
    finding = [{"code": "C2", "detail": "[green]fine[/green]"}]
    text = shown({"name": name, "track": "flagged", "findings": finding}, width=120)
    assert text.count(name) == 2
    assert "[green]fine[/green]" in text


def test_colons_in_a_name_are_shown_as_they_are() -> None:
    assert "lr:100:x" in shown({"name": "lr:100:x"})


def test_tracks_come_in_order_and_only_where_they_have_entries() -> None:
    text = shown({"track": "unverified", "name": "u"}, {"track": "flagged", "name": "f"}, {"name": "l"})
    assert text.index("Legal") < text.index("Flagged") < text.index("Unverified")
    assert "Flagged" not in shown({})


def test_without_entries_it_says_so() -> None:
    assert shown().strip() == "No confirmed entries yet."


def test_a_public_record_may_tell_almost_nothing() -> None:
    silent = dict.fromkeys(("rank", "val_bpb_mean", "bytes_total", "train_seconds", "eval_seconds"))
    row = UNKNOWN | silent | {"name": "PR 1", "track": "unverified", "seeds": {"42": None}, "source": "import"}
    cells = format_cells(ROW | row)
    assert (cells["#"], cells["seeds"], cells["train, eval"]) == (["–"], ["42: –"], ["–", "–"])
    text = shown(row)
    assert "Unverified" in text
    assert "None" not in text


def test_the_evidence_for_the_leader_is_beneath_its_table() -> None:
    first = {
        "steps": 7000,
        "ms_per_step": 84.71,
        "bpb_quantized": 1.09,
        "bpb_adapted": 1.0798,
        "unchecked": ["the scorer"],
    }
    text = shown(first, {"name": "other", "rank": 2, "steps": 1234})
    assert "  by stage: 1.0900 quantized → 1.0798 adapted\n  speed: 7,000 steps at 84.7 ms" in text
    assert "not checked: the scorer" in text
    assert "1,234" not in text
