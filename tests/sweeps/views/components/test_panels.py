"""What panels show, and that colors can be told apart and read."""

import base64
import re

import pytest

from sweeps.views.components.drawing import draw, read_asset
from sweeps.views.components.panels.audit_grid import prepare_audit_grid
from sweeps.views.components.panels.budget_bars import prepare_budget_bar, prepare_budget_table
from sweeps.views.components.panels.diff_table import prepare_diff_table
from sweeps.views.components.panels.entry_table import prepare_entry_table
from sweeps.views.components.panels.provenance import make_download, prepare_provenance
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from tests.sweeps.views.components.examples import row, verdict


def test_the_verdict_has_an_icon_and_a_word_for_each_part_and_a_next_step() -> None:
    bar = prepare_verdict_bar(verdict("trial 20"))
    assert (bar.name, bar.score) == ("trial 20", "1.8050 ± 0.0035 bpb over 3 seeds")
    assert bar.gain == "6.95 mBPB better than trial 20 (baseline)"
    markup = str(draw(bar))
    assert '<div class="chip verdict warn">' in markup and 'aria-hidden="true"></span>NOT SHOWN' in markup
    assert "<code>golfsweep compare trial 20</code>" in markup


def test_the_table_of_entries_compares_with_the_baseline() -> None:
    rows = [
        row("new", val_bpb_mean=1.19),
        row("old", rank=2),
        row("bad", track="flagged", findings=[{"code": "size", "detail": "x"}]),
    ]
    table = prepare_entry_table(rows, name="t", title="Legal", baseline="old", baseline_mean=1.20, most=3)
    assert table is not None
    cells = [{cell.column.name: cell.text for cell in line.cells} for line in table.lines]
    assert [line["gain"] for line in cells] == ["-10.00", "baseline", "–"]
    assert cells[0] | {"gain": ""} == {
        "score": "1.1900", "gain": "", "p": "–", "n": "3", "bytes": "15.20", "train": "590", "eval": "601"
    }  # fmt: skip
    assert [line.rank for line in table.lines] == [1, 2, None]
    assert [line.flags for line in table.lines] == ["", "", "too many bytes"]
    assert table.lines[0].seeds == (("3", "1.1900"), ("4", "1.2000"), ("5", "1.2100"))
    assert table.lines[0].command is not None and table.lines[0].command.command == "golfsweep show s/new"
    cut = prepare_entry_table(rows, name="t", title="", baseline=None, baseline_mean=None, most=1)
    assert cut is not None and (len(cut.lines), cut.left_out) == (1, 2)
    assert prepare_entry_table([], name="t", title="", baseline=None, baseline_mean=None) is None


def test_every_entry_has_a_row_header_and_a_drawer() -> None:
    table = prepare_entry_table([row("a"), row("b")], name="t", title="Legal", baseline=None, baseline_mean=None)
    assert table is not None
    markup = str(draw(table))
    assert markup.count('<th scope="row"') == markup.count("<details>") == markup.count("<tbody") == 2
    assert "Evidence for a" in markup


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [
        (8_000_000, 16_000_000, (50.0, "good", "fits", "8.00 of 16 MB")),
        (15_900_000, 16_000_000, (99.4, "warn", "close", "15.90 of 16 MB")),
        (17_000_000, 16_000_000, (100.0, "bad", "over", "17.00 of 16 MB")),
    ],
)
def test_a_budget_bar_says_how_much_is_used(used: int, limit: int, expected: tuple[float, str, str, str]) -> None:
    bar = prepare_budget_bar(used, limit, "MB", 1e6)
    assert bar is not None and (bar.used, bar.standing, bar.word, bar.text) == expected
    assert prepare_budget_bar(None, limit, "MB") is None and prepare_budget_bar(used, None, "MB") is None


def test_the_table_of_budgets_has_bytes_and_both_clocks() -> None:
    table = prepare_budget_table([row("a"), row("b", bytes_total=None, train_seconds=None, eval_seconds=None)])
    assert table is not None and [line.entry for line in table.lines] == ["a"]
    assert [bar and bar.standing for bar in table.lines[0].bars] == ["warn", "warn", "bad"]


def test_the_audit_grid_tells_passed_from_not_judged() -> None:
    leak = row("leak", findings=[{"code": "C3", "detail": "it knows"}, {"code": "size", "detail": "too large"}])
    grid = prepare_audit_grid(
        [leak, row("record", source="import")], {"leak": {"judged": True}}, {"leak": "certificate-1"}
    )
    assert grid is not None
    words = [[cell.word for cell in line.cells] for line in grid.lines]
    assert words == [["passed", "passed", "failed", "passed"], ["not judged"] * 4]
    assert [line.link for line in grid.lines] == ["certificate-1", None]
    assert grid.lines[0].others == ("size: too large",)
    assert prepare_audit_grid([], {}, {}) is None


def test_settings_are_written_as_people_write_them() -> None:
    settings = [
        {"setting": "lr", "challenger": 0.00123456, "incumbent": None},
        {"setting": "a", "challenger": [], "incumbent": [1, 2.5]},
    ]
    assert prepare_diff_table(settings, ("new", "old")).lines == (("lr", "0.001235", "–"), ("a", "none", "1, 2.5"))


def test_provenance_carries_its_files() -> None:
    download = make_download("a.csv", "A", "text/csv", "a,b\n1,é\n")
    kind, content = download.address.split(",", 1)
    assert kind == "data:text/csv;base64" and base64.b64decode(content).decode() == "a,b\n1,é\n"
    assert prepare_provenance([("again", "golfsweep run")], {"Code": "c0ffee", "Owner": ""}, []).facts == (
        ("Code", "c0ffee"),
    )


def luminance(color: str) -> float:
    digits = "".join(2 * digit for digit in color[1:]) if len(color) == 4 else color[1:]
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_can_be_read_and_chart_colors_seen_on_their_surface() -> None:
    """WCAG 2.2: 4.5:1 for text, 3:1 for what is drawn."""
    style = str(read_asset("golfsweep.css"))
    schemes = [
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]+)", part)) for part in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 3 and schemes[0] == schemes[2]  # light, dark, paper
    assert style.isascii()

    def contrast(scheme: dict[str, str], one: str, other: str) -> float:
        low, high = sorted(luminance(scheme[f"--{name}"]) for name in (one, other))
        return (high + 0.05) / (low + 0.05)

    for scheme in schemes:
        for surface in ("surface", "raised"):
            assert all(contrast(scheme, ink, surface) >= 4.5 for ink in ("ink", "soft", "accent", "bad"))
            drawn = ("accent", "good", "warn", "bad", "violet", "teal", "soft")
            assert all(contrast(scheme, color, surface) >= 3 for color in drawn)
        for standing in ("good", "warn", "bad"):
            assert contrast(scheme, standing, f"{standing}-tint") >= 4.5
            assert contrast(scheme, "ink", f"{standing}-tint") >= 4.5
