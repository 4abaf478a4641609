"""A script whose `score` is audited: what it returns decides whether its row is legal, flagged or unverified."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf.data.corpus import DemoData
from golf.data.texts import read_texts
from golf.data.tokens import Tokenizer, find_shards
from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.entries.checking import verify_entry
from sweeps.entries.reading import board_of
from sweeps.run import session
from sweeps.spec.file import parse_sweep

SCRIPT = Path(__file__).parents[1] / "scored_script.py"


def file_of(demo: DemoData) -> dict[str, Any]:
    num_bytes = read_texts(find_shards(demo.tokens, "val"), Tokenizer(demo.tokenizer)).num_bytes
    return {
        "name": "scored",
        "data": {"tokens": str(demo.tokens), "tokenizer": str(demo.tokenizer)},
        "script": {
            "file": str(SCRIPT),
            "launch": "python",
            "score": f"{SCRIPT.name}:score",
            "env": {"DATA_PATH": "{data}", "SEED": "{seed}"},
            "train": {"out": {"artifact": "model.json"}},
            "eval": {
                "from": "train",
                "keep": ["artifact"],
                "env": {"EVALUATE": 1, "NUM_BYTES": json.dumps(num_bytes)},
                "metric": "final_count_exact",
            },
        },
        "seeds": {"confirm": [2, 3]},
        "arm": [
            {"name": "with a table", "baseline": True, "script": {"eval": {"env": {"TABLE": 1}}}},
            {"name": "without one", "seeds": [2]},
            {"name": "reads ahead", "seeds": [2], "script": {"eval": {"env": {"SCORER": "ahead"}}}},
            {"name": "another score", "seeds": [2], "script": {"eval": {"env": {"BOOST": 0.02}}}},
        ],
        "audit": {"seconds": 1.5},  # many times what its calls take, also on a busy machine
    }


@pytest.fixture(scope="module")
def finished(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """The home of the finished sweep; tests only read it."""
    place = Workplace.open(tmp_path_factory.mktemp("scored") / "home")
    spec = parse_sweep(file_of(demo), "scored.toml")
    end = session.run(spec, place, executor="local", show=lambda snapshot, left: None, say=lambda line: None)
    assert end.done and not end.failures, [(job.order.label, job.reason) for job in end.failures]
    yield place
    place.store.close()


def row_of(place: Workplace, name: str) -> dict[str, Any]:
    return next(row for row in board_of("scored", place).table() if row["name"] == name)


def findings_of(place: Workplace, name: str) -> dict[str, str]:
    return {finding["code"]: finding["detail"] for finding in row_of(place, name)["findings"]}


@pytest.mark.parametrize("name", ["with a table", "without one"])
def test_an_honest_scorer_that_made_the_score_is_legal(finished: Workplace, name: str) -> None:
    row = row_of(finished, name)
    assert (row["track"], row["findings"]) == ("legal", [])


def test_every_seed_is_audited_and_compared(finished: Workplace) -> None:
    assert row_of(finished, "with a table")["audited_seeds"] == 2
    audits = [job for job in finished.store.jobs("scored", [JobState.DONE]) if job.order.job.stage == "audit"]
    assert sorted(job.order.job.seed for job in audits) == [2, 2, 2, 2, 3]
    for job in audits:
        assert job.outputs is not None and job.outputs["rescored"]["scored"] == 12


def test_a_scorer_that_reads_ahead_is_flagged(finished: Workplace) -> None:
    assert row_of(finished, "reads ahead")["track"] == "flagged"
    assert findings_of(finished, "reads ahead").keys() & {
        "C1",
        "length-effect",
    }  # which of them the audit met in its time


def test_a_scorer_that_did_not_make_the_score_leaves_it_unverified(finished: Workplace) -> None:
    assert row_of(finished, "another score")["track"] == "unverified"
    [detail] = findings_of(finished, "another score").values()
    assert detail.startswith("score() gives the validation set ") and detail.endswith(" was printed")


def test_rows_hold_against_their_evidence(finished: Workplace) -> None:
    for entry in finished.store.entries("scored"):
        assert verify_entry(entry, finished) == []


def spoil_findings(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["findings"] = []


def spoil_outcome(content: Any, evidence: Any) -> None:
    content["audit"]["passed"] = not content["audit"]["passed"]


def spoil_no_audit(content: Any, evidence: Any) -> None:
    content["audit"] = evidence["audit"] = None


def spoil_certificate(content: Any, evidence: Any) -> None:
    evidence["audit"]["certificate"] = evidence["seeds"]["2"]["artifact"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_findings, "seed 2: its findings are not those of its jobs"),
        (spoil_outcome, "its certificate says passed: True, the entry says False"),
        (spoil_no_audit, "it says that it is audited, and a script's metric line cannot be"),
        (spoil_certificate, "its audit made certificate "),
    ],
)
def test_what_a_row_says_beside_its_audit_is_found(
    finished: Workplace, spoil: Callable[[Any, Any], None], words: str
) -> None:
    entry = next(entry for entry in finished.store.entries("scored") if entry.name == "another score")
    content, evidence = json.loads(json.dumps([entry.content, entry.evidence]))
    spoil(content, evidence)
    changed = replace(entry, content=content, evidence=evidence)
    lines = [mismatch.line for mismatch in verify_entry(changed, finished)]
    assert any(line.startswith(words) for line in lines), lines


def test_an_audit_of_another_entry_is_no_evidence(finished: Workplace) -> None:
    entries = {entry.name: entry for entry in finished.store.entries("scored")}
    cheat, honest = entries["reads ahead"], entries["without one"]
    content = {**cheat.content, "audit": honest.content["audit"]}
    evidence = {**cheat.evidence, "audit": honest.evidence["audit"]}
    lines = [mismatch.line for mismatch in verify_entry(replace(cheat, content=content, evidence=evidence), finished)]
    assert "its audit judged another environment than the entry's" in lines
