"""golfsweep audit on modules in the current directory, and its certificate as people read it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golf.audit import audit
from golf.audit.scorer.process import ScorerProcess
from golf.data.corpus import DemoData
from golf.data.tokens import find_shards, write_shard
from sweeps.views.certificates import (
    LABEL,
    PICTURE_WIDTH,
    describe_certificate,
    describe_verdict,
    draw_probes,
    mark_sum,
)
from tests.golf import zoo
from tests.schemas import check_document

MODULE = '''
"""Scorers of an entry, one of each kind."""
import os, sys, time
import numpy as np

print("imported")

def uniform(documents):
    return [np.full(len(document) - 1, np.log(16.0)) for document in documents]

def scaled(documents):
    return [0.98 * one for one in uniform(documents)]

def chatty(documents):
    print("scoring")
    os.system("echo from a child")
    return uniform(documents)

def leaves(documents):
    os._exit(0)

def hangs(documents):
    while True:
        pass

class Carries:
    ordered_state = True
    def __call__(self, documents):
        seen, found = np.ones(16), []
        for document in documents:
            found.append(-np.log(seen[document[1:]] / seen.sum()))
            seen += np.bincount(document, minlength=16)
        return found

carries = Carries()

class Offers:
    def __call__(self, documents):
        time.sleep(2e-5 * sum(map(len, documents)))
        return uniform(documents)
    def distribution(self, document, position):
        return np.full(16, 1 / 16)

class Counts:
    def __call__(self, documents):
        return [np.full(len(document) - 1, np.log(1024.0)) for document in documents]
    def byte_counts(self, document):
        return np.full(len(document) - 1, 3)

class FirstCall:
    def __init__(self):
        self.seen = None
    def __call__(self, documents):
        if self.seen is None:
            self.seen = np.ones(16) + sum(np.bincount(document, minlength=16) for document in documents)
        return [-np.log(self.seen[document[1:]] / self.seen.sum()) for document in documents]

class Late:
    """Scores from the 300th document of a list on with what it has read in them."""
    def __call__(self, documents):
        losses = uniform(documents)
        for place in range(300, len(documents)):
            losses[place] = 0.9 * losses[place]
        return losses

first_call = FirstCall()
late = Late()
counts = Counts()
offers = Offers()
number = 3
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A current directory with an entry's module in it."""
    folder = tmp_path_factory.mktemp("it's an entry")
    (folder / "entry.py").write_text(MODULE)
    (folder / "broken.py").write_text("import nowhere_to_be_found")
    (folder / "exits.py").write_text("import sys; sys.exit(3)")
    write_shard(folder / "val.bin", np.tile([1, 5, 6, 7, 5, 6, 9], 60))
    return folder


def golfsweep(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweeps.cli", "audit", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if "--json" in words:
        check_document(("audit", *words), done.stdout)
    return done


@pytest.mark.parametrize(
    ("function", "code", "conditions"),
    [
        ("uniform", 0, set()),
        ("carries", 0, set()),
        ("offers", 0, set()),
        ("scaled", 1, {"C2"}),
        ("chatty", 1, {"nondeterminism"}),
        ("leaves", 1, {"C4"}),
        ("first_call", 1, {"cross-document"}),
        ("late", 1, {"cross-document"}),
    ],
)
def test_a_scorer_is_judged_in_a_process_of_its_own(
    folder: Path, function: str, code: int, conditions: set[str]
) -> None:
    done = golfsweep(folder, f"entry:{function}", "--vocab-size", "16", "--seconds", "3", "--json")
    assert done.returncode == code, done.stderr
    certificate = json.loads(done.stdout)
    assert certificate["passed"] == (code == 0)
    assert {finding["condition"] for finding in certificate["findings"]} == conditions


def test_a_scorer_is_audited_on_a_text_file_and_says_so(folder: Path, demo: DemoData) -> None:
    text = folder / "text.txt"
    text.write_text("\n\n".join(["We the people. " * 40, "of the United States", "in order to " * 9]))
    words = ("entry:counts", "--vocab-size", "1024", "--seconds", "2", "--corpus", str(text))
    lines = golfsweep(folder, *words, "--tokenizer", str(demo.tokenizer)).stdout
    assert "bytes" in lines.splitlines()[0]  # three bytes a token are not what the text has
    missing = golfsweep(folder, *words)
    assert (missing.returncode, "--corpus" in missing.stderr and "needs --tokenizer" in missing.stderr) == (2, True)


def test_without_text_the_certificate_says_on_made_up_text(folder: Path) -> None:
    done = golfsweep(folder, "entry:uniform", "--vocab-size", "16", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith("Passed (")
    assert second == "On made-up text: how it scores real text is unverified; give --tokens or --corpus"
    given = golfsweep(folder, "entry:uniform", "--vocab-size", "16", "--seconds", "1", "--tokens", "val.bin")
    assert given.stdout.startswith("Passed (") and "made-up" not in given.stdout.splitlines()[1]
    assert "A second process, after another first call: at most 0 nats moved" in given.stdout


def test_a_scorer_that_never_answers_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("golf.audit.auditor.MIN_CALL_SECONDS", 0.5)
    with ScorerProcess("entry:hangs") as process:
        certificate = audit(process, vocab_size=16, seconds=0.5)
    assert "no answer within 0.5 s" in certificate.findings[0].detail
    assert process.ended


def test_a_shards_documents_are_the_ones_judged(folder: Path) -> None:
    arguments = ("--vocab-size", "16", "--tokens", "val.bin", "--seconds", "0.5", "--json")
    content = json.loads(golfsweep(folder, "entry:uniform", *arguments).stdout)
    assert content["probes"]["documents"]["given"] == 60


def test_byte_counts_on_offer_are_held_against_the_text(folder: Path, demo: DemoData) -> None:
    shard, tokenizer = find_shards(demo.tokens, "val")[0], demo.tokenizer
    arguments = ("--vocab-size", "1024", "--tokens", str(shard), "--tokenizer", str(tokenizer), "--seconds", "0.5")
    certificate = json.loads(golfsweep(folder, "entry:counts", *arguments, "--json").stdout)
    assert {finding["condition"] for finding in certificate["findings"]} == {"bytes"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["entry:number", "--vocab-size", "16"], "entry:number is a int; expected a function"),
        (["entry:nothing", "--vocab-size", "16"], "module entry has no nothing"),
        (["nothing:score", "--vocab-size", "16"], "module nothing: it is not importable from the current directory"),
        (["broken:score", "--vocab-size", "16"], "No module named 'nowhere_to_be_found'"),
        (["exits:score", "--vocab-size", "16"], "its process ended with exit code 3 while it was imported"),
        (["entry", "--vocab-size", "16"], "expected MODULE:FUNCTION"),
        (["entry:uniform", "--vocab-size", "1"], "vocab_size = 1: must be at least 2"),
        (["entry:uniform", "--vocab-size", "16", "--seconds", "0"], "seconds = 0"),
        (["entry:uniform", "--vocab-size", "16", "--tokens", "no.bin"], "no.bin: cannot be read"),
        (["entry:uniform", "--vocab-size", "8", "--tokens", "val.bin"], "holds tokens 1 … 9; expected 0 … 7"),
    ],
)
def test_bad_input_is_one_line(folder: Path, words: list[str], message: str) -> None:
    done = golfsweep(folder, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[-1]


# As people read it


@pytest.fixture(scope="module")
def certificates() -> dict[str, dict[str, Any]]:
    scorers = {"legal": zoo.LEGAL["bigram"](), "leaky": zoo.LEAKY["train then score"].make()}
    return {name: zoo.judge(scorer, seconds=2.0, token_seconds=2e-6).to_json() for name, scorer in scorers.items()}


def test_the_picture_shows_where_a_scorer_leaks_and_where_it_does_not(
    certificates: dict[str, dict[str, Any]],
) -> None:
    legal, leaky = (draw_probes(certificates[name]["probes"]) for name in ("legal", "leaky"))
    for drawn in (legal, leaky):
        assert all(len(line) <= LABEL + PICTURE_WIDTH for line in drawn[:-1])
        assert drawn[0].split()[:4] == ["position", "1", "4", "16"]
    assert set("".join(line[LABEL:] for line in legal[1:4])) <= set(" =≈")
    assert "+" in leaky[1][LABEL:]
    assert "x" in leaky[2][LABEL:]


def test_a_certificate_says_what_was_found_and_what_was_not_looked_at(
    certificates: dict[str, dict[str, Any]],
) -> None:
    text = "\n".join(describe_certificate(certificates["leaky"]))
    assert text.startswith("Not passed: C1, C2, C3")
    for finding in certificates["leaky"]["findings"]:
        assert finding["detail"] in text
    assert describe_certificate(certificates["legal"])[0].startswith("Passed (")
    assert "Vocabulary sums at" in text


def test_a_verdict_tells_length_and_too_little_apart() -> None:
    length = {"condition": "length", "document": 0, "position": 1, "measured": 0.1, "detail": ""}
    assert "length" in describe_verdict({"findings": [length], "judged": True})
    assert "too little" in describe_verdict({"findings": [], "judged": False})


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, "="),
        ({"total": 1.2, "least": 1.2, "complete": True}, "+"),
        ({"total": 0.9, "least": 0.9, "complete": True}, "-"),
        ({"total": 0.7, "least": 0.6, "complete": False}, "≈"),
        ({"total": 1.6, "least": 1.2, "complete": False}, "+"),
        ({"total": 1.6, "least": 0.6, "complete": False}, "≈"),
    ],
)
def test_a_sums_mark(changes: dict[str, float], mark: str) -> None:
    exact = {"total": 1.0, "least": 1.0, "tolerance": 1e-4, "complete": True}
    assert mark_sum(exact | changes) == mark
