"""Tables of results in a README, as claims."""

from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sweeps.contests.catalog import contest_named
from sweeps.standings.files.result_tables import read_result_tables
from sweeps.standings.importing import read_contest_entries
from tests.sweeps.standings import logs

README = """# A benchmark

| # | Steps to 3.28 | Mean val loss | n | Description | Date | Log | Contributors |
| - | - | - | :-: | - | - | - | - |
| 1 | **3,800** | 3.2790 | 4 | Baseline, lr=.02 | 2026/03/10 | [log](results/20260310_base/run.txt) | @a |
| 2 | 3000 | 3.2771 | 8 | see [#12](https://example.org/pull/12) | 2026-05-01 | [logs](results/20260501_fast) | @b |

| Name | Value |
| --- | --- |
| [base](results/20260310_base) | 7 |
"""


def test_rows_are_read_with_every_folder_that_they_link_to() -> None:
    rows = {row["folder"]: row for row in read_result_tables(README.splitlines())}
    assert rows["results/20260310_base"] == {
        "folder": "results/20260310_base",
        "row": Decimal(1),
        "steps": Decimal(3800),
        "mean": Decimal("3.2790"),
        "n": Decimal(4),
        "date": "2026-03-10",
    }
    assert (rows["results/20260501_fast"]["steps"], rows["results/20260501_fast"]["n"]) == (3000, 8)


def test_a_record_is_held_against_the_readme_above_its_folder(tmp_path: Path) -> None:
    losses = [{3000: f"val_loss:3.277{n}", 3050: "val_loss:3.2"} for n in range(4)]
    logs.write_runs(tmp_path / "track/results/20260501_fast", map(logs.track_3, losses))
    (tmp_path / "track/README.md").write_text(README)
    contest = contest_named("modded-nanogpt-3")
    (entry,) = read_contest_entries([tmp_path / "track"], contest)
    assert (entry.step, entry.date, entry.row) == (3000, "2026-05-01", 2)
    assert [finding.code for finding in entry.findings] == ["run-count"]


@given(st.lists(st.text("|-:#ns Steps[](/)3,.28x\n", max_size=60), max_size=8))
def test_any_text_is_read(lines: list[str]) -> None:
    for row in read_result_tables(lines):
        assert row["folder"]
