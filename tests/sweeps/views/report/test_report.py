"""The report: the verdict, the evidence for every entry, and nothing that needs a network."""

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.workplace import Workplace
from sweeps.board.compare import compare, document_differences
from sweeps.board.leaderboard import COLUMNS
from sweeps.driver.sweep import Sweep
from sweeps.entries.reading import board_of, pair_of
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.report import report
from sweeps.views.report.header import describe_work
from sweeps.views.report.sections import describe_trial_documents
from sweeps.views.terminal import formats
from sweeps.views.wording import format_p
from tests.sweeps.made_up import file, play

ARMS = [{"name": "base", "baseline": True}, {"name": "<b>leak</b>", "eval": {"preset": "chimera-611"}, "seeds": [3]}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.open(tmp_path_factory.mktemp("report") / "home")


@pytest.fixture(scope="module")
def sweep(place: Workplace) -> Sweep:
    play(place, file("spring", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    return play(place, file("summer", arm=ARMS))


@pytest.fixture
def rows(sweep: Sweep, place: Workplace) -> list[dict[str, Any]]:
    table = board_of(sweep.spec.name, place).table()
    return table


def test_an_entry_shows_its_evidence(rows: list[dict[str, Any]], sweep: Sweep, place: Workplace) -> None:
    shown = describe_evidence(rows[0])
    assert shown["speed"] == "5,000 steps at 118.0 ms"
    accepted, strict = (rows[0]["headroom"][profile]["bytes"] for profile in ("accepted", "strict"))
    times = "10.0 s train, 300.0 s eval", "-40.0 s"
    assert shown["headroom"].startswith(
        f"accepted: {accepted:,} bytes, {times[0]}; strict: {strict:,} bytes, {times[1]}"
    )
    assert "to spring/none, over 3 common seeds" in shown["against the record"]
    assert shown["seeds still needed"] == "none: p < 0.01 by the written rule"
    alone = {"seeds_to_record": 4, "dollars_to_record": 8.0, "incumbent_too": False}
    alone |= {"seeds_to_record_most": 6, "dollars_to_record_most": 12.0}
    assert (
        describe_evidence(rows[0] | alone)["seeds still needed"]
        == "4 to 6 more seeds, $8.00 to $12.00, for p < 0.01 by the written rule, by the interval of the difference"
    )
    both = describe_evidence(
        rows[0] | alone | {"incumbent_too": True, "dollars_to_record": None, "seeds_to_record_most": None}
    )["seeds still needed"]
    assert both.startswith("at least 4 more seeds of each, for p < 0.01 by the written rule")
    assert shown["on all seeds"] == "same code, same settings"
    assert shown["validation set"].startswith("6 documents, 3,025 tokens, 12,100 bytes; evaluated ")
    place.store.put_record("PR", {"name": "PR", "seeds": {"1": None}, "author": "A", "url": "https://example.org"})
    imported = board_of(sweep.spec.name, place).table()[-1]
    assert describe_evidence(imported) == {
        "author": "A https://example.org",
        "not checked": "the scorer; the artifact; documents and bytes scored; noise of seeds",
    }


def test_the_page_stands_alone_and_shows_names_as_they_are(sweep: Sweep, place: Workplace) -> None:
    page = report.write(sweep.spec.name, board_of(sweep.spec.name, place), place).read_text()
    body = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for words in ("Best", "Next", "Evidence for base", "Who held the record when", "Training loss", "Certificate of"):
        assert words in body
    assert len(page) < 100_000
    assert "<b>leak" not in body
    assert "&lt;b&gt;leak&lt;/b&gt;" in body
    assert not re.search(r'(src|href)="?(https?:)?//', body)
    assert "<link" not in page


def test_a_change_of_the_record_is_that_of_its_p_with_the_one_on_common_seeds_beside_it(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    play(place, file("spring", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    sweep = play(place, file("summer", arm=[{"name": "base", "baseline": True, "seeds": [3, 5]}]))
    board = board_of(sweep.spec.name, place)
    page = report.write(sweep.spec.name, board, place).read_text()
    holders = " ".join(re.sub(r"<[^>]*>", " ", page[page.index("Who held the record when") :]).split())
    last = board.changes()[-1]
    means, common = (f"{last[name]:+.2f}" for name in ("difference_means_mbpb", "difference_mbpb"))
    assert means != common
    change = f"{means} ({common} over 2 common seeds) {format_p(last['p_value'])}"
    assert f"base {last['date']} 1.1697 legal spring/none {change}" in holders


def test_the_page_of_two_entries_has_their_plots(sweep: Sweep, place: Workplace) -> None:
    pair = pair_of("base", "spring/none", place)
    path = report.write_comparison(compare(pair), document_differences(pair), place)
    page = path.read_text()
    assert path.name == "compare-summer-base-vs-spring-none.html"
    for words in ("Each dot is a document", "Gray lines join", "paired documents", "Next", "eval.protocol"):
        assert words in page
    assert "<link" not in page


def test_csv_has_every_column_and_leaves_the_unknown_empty(sweep: Sweep, place: Workplace) -> None:
    import csv
    import io
    import json

    lines = list(csv.DictReader(io.StringIO(formats.to_csv(board_of(sweep.spec.name, place).table()))))
    assert tuple(lines[0]) == COLUMNS
    assert json.loads(lines[0]["seeds"]).keys() == {"3", "4", "5"}
    assert (lines[0]["name"], lines[0]["p_value"], lines[1]["name"]) == ("base", "", "<b>leak</b>")


def test_markdown_shows_a_table_a_track_and_every_finding(sweep: Sweep, place: Workplace) -> None:
    text = formats.to_markdown(board_of(sweep.spec.name, place).table())
    legal, flagged = text.split("### Flagged")
    assert legal.startswith("### Legal")
    assert "| 1 | base | " in legal
    assert "&lt;b&gt;leak&lt;/b&gt; – C3: " in flagged
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in tables} == {9}
    assert formats.to_markdown(board_of(sweep.spec.name, place).table()[:0]) == "No confirmed entries yet.\n"


def test_paths_of_pages_hold_no_names_that_lead_elsewhere(place: Workplace) -> None:
    path = place.home.comparison(["../../etc", "a b"])
    assert path.parent == Path(place.home.root) / "reports"
    assert path.name == "compare-..-..-etc-vs-a-b.html"


def test_work_and_documents_are_named_as_the_sweep_has_them() -> None:
    assert describe_work({"train": 6, "quantize": 6, "eval": 50}, 24) == "6 trainings, 24 trials, 50 evaluations"
    assert describe_work({"script.train": 4, "script.eval": 7}, 2) == "4 train jobs, 7 eval jobs, 2 trials"
    script = {"script": {}, "data": {"tokens": "demo"}}
    assert describe_trial_documents(script).startswith("On the validation set itself")
    for other in ({"data": {"tokens": "demo"}}, {**script, "data": {"tokens": "x", "validation": "holdout"}}):
        assert describe_trial_documents(other).startswith("On tuning documents")
    for search in (None, {"proxy": None}):
        assert describe_trial_documents({**script, "search": search}).endswith("only the seeds are others.")
    assert "not to be compared" in describe_trial_documents({**script, "search": {"proxy": {"gpus": 1}}})
