"""Entries of own sweeps of a contest beside Parameter Golf: their logs are read and judged as a record's are."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from rich.cells import cell_len
from sqlalchemy import create_engine, select, update

from golf.data.tokens import write_shard
from golf.errors import InputError
from jobs.database import tables
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.contests.catalog import contest_named
from sweeps.run.attach import Attachment, attach, open_sweep
from sweeps.run.entries import EntryWriter
from sweeps.spec.file import parse_sweep
from sweeps.standings.reading import standings_of
from sweeps.views.report import standings_report
from sweeps.views.terminal.overview import LINES
from sweeps.views.terminal.read_overview import read_overview
from sweeps.views.verdicts.read_verdict import read_verdict
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.schemas import check_document
from tests.sweeps.entries.test_shape import put
from tests.sweeps.standings import logs

Command = Callable[..., tuple[int, str, str]]
SWEEP = """
name = "steps"
contest = "modded-nanogpt-3"
data.tokens = "tokens"
seeds.confirm = [1, 2, 3, 4]
[script]
file = "train.py"
launch = "python"
python = "no-such-python"
env = { SEED = "{seed}", STEPS = "3200" }
[script.train]
gpus = 1
out = { weights = "model.pt" }
[[arm]]
name = "base"
baseline = true
[[arm]]
name = "faster"
script.env = { STEPS = "3000" }
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A home with the finished sweep of two arms, whose files and logs were attached: 3,200 and 3,000 steps."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        write_shard(tmp_path / "tokens" / f"fineweb_{split}_000000.bin", [1, 2, 3])
    script = 'import os\nprint(os.environ.get("SEED"), os.environ.get("STEPS"))\nopen("model.pt", "wb").write(b"")\n'
    for name, content in {"train.py": script, "steps.toml": SWEEP, "model.pt": "model"}.items():
        (tmp_path / name).write_text(content)
    opened = Workplace.open(tmp_path / ".golfsweep")
    sweep = open_sweep("steps.toml", opened, lambda line: None)
    for arm, steps in (("base", 3200), ("faster", 3000)):
        for seed in (1, 2, 3, 4):
            losses = {steps // 2: "val_loss:3.9", steps: f"val_loss:3.277{seed}"}
            (tmp_path / "log.txt").write_text(logs.track_3(losses))
            given = Attachment(
                file=Path("model.pt"), stage="train", role="weights", seed=seed, entry=arm, log=Path("log.txt")
            )
            job = attach(given, sweep, opened)
            assert job.outputs is not None and job.outputs["metric"]["value"] == pytest.approx(3.277 + seed / 10_000)
    opened.store.put_sweep("steps", sweep.to_json(), sweep.spec.budget.limits())
    EntryWriter(sweep, opened.store, opened.files).write(final=True)
    return opened


def test_own_entries_are_ranked_by_steps_and_judged_by_the_contests_rules(place: Workplace) -> None:
    board = standings_of(contest_named("modded-nanogpt-3"), place)
    facts = [
        (row["name"], row["value"], row["rank"], row["verdict"], row["verdict_against"], row["n"], row["source"])
        for row in board.rows()
    ]
    assert facts == [
        ("faster", 3000.0, 1, "better", "base", 4, "golfsweep"),
        ("base", 3200.0, 2, "better", "the target of 3.28", 4, "golfsweep"),
    ]
    faster = board.rows()[0]
    assert (faster["mean"], faster["findings"], sorted(faster["runs"])) == (
        pytest.approx(3.27725),
        [],
        ["1", "2", "3", "4"],
    )
    assert faster["improvement"]["statistic"] == pytest.approx(0.009 * 2**0.5)


def test_commands_show_them_beside_records_and_apart_from_parameter_golf(
    golfsweep: Command, place: Workplace, tmp_path: Path
) -> None:
    losses = [{2900: f"val_loss:3.277{n}"} for n in range(4)]
    logs.write_runs(tmp_path / "records/01-20260101_first", map(logs.track_3, losses))
    golfsweep("import", "--contest", "modded-nanogpt-3", tmp_path / "records")
    code, out, _ = golfsweep("leaderboard", "--json")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert [(row["name"], row["verdict_against"]) for row in rows] == [
        ("01-20260101_first", "the target of 3.28"),
        ("faster", "base"),
        ("base", "01-20260101_first"),
    ]
    code, out, _ = golfsweep("leaderboard", "--contest", "parameter-golf", "--json")
    assert code == 0 and json.loads(out)["rows"] == []
    code, out, _ = golfsweep("compare", "steps/faster", "01-20260101_first", "--json")
    assert code == 0 and json.loads(out)["verdict"] == "worse"
    code, out, _ = golfsweep("next", "steps", "--json")
    document = check_document(("next",), out)
    assert (code, document["decision"], document["entry"], document["tries"]) == (0, "keep", "faster", 2)
    assert document["best"] == {"entry": "faster", "role": "kept", "value": 3000.0}
    assert document["next"]["command"] == "golfsweep show steps/faster"
    code, out, _ = golfsweep("show", "steps/faster")
    assert code == 0 and "Score    3,000 steps · val_loss 3.27725 ± 0.00013, mean of 4 runs" in out
    code, _, err = golfsweep("leaderboard", "steps", "--contest", "parameter-golf")
    assert code == 2 and "sweep steps: is of the contest modded-nanogpt-3, not parameter-golf" in err
    code, _, err = golfsweep("package", "steps/faster", "--out", tmp_path / "out")
    assert code == 2 and "is of modded-nanogpt-3; only entries of parameter-golf can be packaged" in err


def test_a_lost_log_leaves_its_run_out_and_is_said(golfsweep: Command, place: Workplace) -> None:
    (entry, *_) = place.store.entries("steps")
    digest = entry.evidence["seeds"]["2"]["log"]
    (path,) = [
        path for path in (place.home.root / "files").rglob("*") if path.name == digest or digest.endswith(path.name)
    ]
    path.unlink()
    code, out, _ = golfsweep("leaderboard", "--json")
    document = json.loads(out)
    assert code == 0
    assert {row["name"]: row["n"] for row in document["rows"]}[entry.name] == 3
    assert document["notes"][0].startswith(f"Lost or damaged: log of steps/{entry.name};")


def test_evidence_that_names_no_log_or_no_job_flags_its_entry_and_breaks_nothing(place: Workplace) -> None:
    engine, table = create_engine(place.home.database_url), tables.entries
    contest = contest_named("modded-nanogpt-3")
    with engine.begin() as connection:
        evidence = connection.execute(select(table.c.evidence).where(table.c.name == "faster")).scalar_one()
    for key, value in (("log", 7), ("log", "../../x"), ("scored", "eval"), ("jobs", {})):
        forged = put(evidence, ("seeds", "2", key), value)
        with engine.begin() as connection:
            connection.execute(update(table).where(table.c.name == "faster").values(evidence=forged))
        rows = {row["name"]: row for row in standings_of(contest, place).rows()}
        assert (rows["faster"]["track"], rows["base"]["track"]) == ("flagged", "unverified"), key
        assert "evidence" in [finding["code"] for finding in rows["faster"]["findings"]]
    engine.dispose()


@pytest.mark.parametrize(
    ("contest", "more", "problem"),
    [
        ("modded-nanogpt", "", "contest = 'modded-nanogpt': no such contest; did you mean modded-nanogpt-3?"),
        ("modded-nanogpt-3", "recipe", "our own [recipe] is of parameter-golf; bring a [script]"),
        (
            "modded-nanogpt-3",
            "mean",
            "baseline.mean: modded-nanogpt-3 compares entries with records of golfsweep import",
        ),
    ],
)
def test_a_sweep_file_that_its_contest_does_not_fit_is_refused(contest: str, more: str, problem: str) -> None:
    source: dict[str, object] = {
        "name": "x",
        "contest": contest,
        "data": {"tokens": "tokens"},
        "seeds": {"confirm": [1]},
    }
    if more != "recipe":
        source["script"] = {"file": "train.py", "train": {"gpus": 1}}
    if more == "mean":
        source["baseline"] = {"mean": 3.0}
    with pytest.raises(InputError) as error:
        parse_sweep(source, "sweep.toml")
    assert any(problem in line for line in error.value.problems), error.value.problems


AT_80 = """\
Best     faster · 3,000 steps · 200 steps better than base (baseline)
Record   SHOWN · p = 6e-23; statistic 0.0127, the rule needs 0.004
Target   REACHED · val_loss 3.27725 ± 0.00013 over 4 runs, for 3.28; p = 1e-05
Legal    UNVERIFIED · judged by its logs; no audit reads a training script
Next     write it up · golfsweep leaderboard steps --format markdown

#  entry   steps  3000           steps            3200    change  val_loss  n
1  faster  3,000  ●                                         -200   3.27725  4
2  base    3,200                                     ●  baseline   3.27725  4

Fits     NO LIMITS IN THIS CONTEST · ran on NVIDIA H100 80GB HBM3
Details  golfsweep show steps/faster · Report  golfsweep open steps"""


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_overview_fits_its_width(place: Workplace, width: int) -> None:
    contest = contest_named("modded-nanogpt-3")
    rows = standings_of(contest, place).rows("steps")
    lines = [line.plain for line in read_overview("steps", rows, place, contest=contest).lay_out(width)]
    assert max(map(cell_len, lines)) <= width
    if width == 80:
        assert "\n".join(lines[lines.index("") + 1 :]) == AT_80 and len(lines) <= LINES
    if width == 120:
        heading = next(line for line in lines if line.startswith("#"))
        assert [name for name in ("± std", "p target", "date") if name not in heading] == []


def test_every_surface_gives_one_verdict_and_one_next_step(golfsweep: Command, place: Workplace) -> None:
    contest = contest_named("modded-nanogpt-3")
    verdict = read_verdict("steps", standings_of(contest, place).rows("steps"), place, contest=contest)
    command = verdict.next.command
    assert command is not None
    _, card, _ = golfsweep("show", "steps/faster")
    _, compared, _ = golfsweep("compare", "faster", "base", "--json")
    code, opened, _ = golfsweep("open", "steps", "--json")
    page = Path(json.loads(opened)["report"])
    _, board, _ = golfsweep("leaderboard", "--format", "html")
    code_of_page, said, _ = golfsweep("compare", "faster", "base", "--html")
    comparison = place.home.comparison(["steps-faster", "steps-base"])
    assert (code, code_of_page) == (0, 0) and str(comparison) in said
    assert json.loads(compared)["next"] == {"sentence": verdict.next.sentence, "command": command}
    for text in (card, said, page.read_text(), board, comparison.read_text()):
        assert command in text and "SHOWN" in text and "REACHED" in text
    assert page.stat().st_size < 400_000
    code, _, _ = golfsweep(*command.split()[1:])
    assert code == 0


def test_the_report_has_the_parts_of_every_report(place: Workplace) -> None:
    board = standings_of(contest_named("modded-nanogpt-3"), place)
    page = standings_report.write("steps", board, place).read_text()
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert headings == ["Best", "Entries", "Target", "faster against base", "Provenance"]
    assert re.findall(r'<svg class="interval unverified"[^>]*><title>([^<]*)', page) == [
        "3,000 steps",
        "3,200 steps",
        *["3.27725 val_loss, 95 % interval 3.27704 to 3.27746"] * 2,
    ]
    assert "target 3.28 val_loss" in page and "baseline base · 3,200" in page


def test_the_service_shows_the_same_verdict(place: Workplace) -> None:
    token = place.store.create_token(Scope.READ, "reader", days=1).text
    service = Service(place=place, host="127.0.0.1", port=0, public=False, requests_per_minute=1000)
    headers = {"Authorization": f"Bearer {token}"}
    client = TestClient(make_app(service), base_url="http://localhost", headers=headers)
    page = client.get("/sweeps/steps")
    assert page.status_code == 200
    assert "golfsweep leaderboard steps --format markdown" in page.text and "target 3.28 val_loss" in page.text


def test_the_services_leaderboard_shows_any_contest(place: Workplace) -> None:
    record = {"name": "2026-01-01_Golf", "seeds": {"1": 1.2}, "track": "unverified"}
    place.store.put_record("golf", record)
    service = Service(place=place, host="127.0.0.1", port=0, public=True)
    client = TestClient(make_app(service), base_url="http://localhost")
    golf, steps = client.get("/").text, client.get("/?contest=modded-nanogpt-3").text
    assert "2026-01-01_Golf" in golf and "faster" not in golf
    assert "2 entries · sweep steps and records" in steps and "2026-01-01_Golf" not in steps
    for page in (golf, steps):
        assert '<select id="contest" name="contest">' in page
    named, unnamed = (page.replace("&amp;sweep=steps", "") for page in (client.get("/?sweep=steps").text, steps))
    assert named == unnamed, "a sweep is shown in its own contest"
    lines = client.get("/leaderboard.csv?contest=modded-nanogpt-3").text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["name", "faster", "base"]
    assert client.get("/?contest=modded-nanogpt-3&since=2100-01-01").text.count("0 of 2 entries") == 1
    assert client.get("/?contest=nothing").status_code == 422
    assert client.get("/api/v1/leaderboard?contest=modded-nanogpt-3&sweep=steps").json()["rows"][0]["name"] == "faster"
