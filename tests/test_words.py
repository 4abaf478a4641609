"""One word for one thing: words and sentences that were replaced do not come back.

Read are all strings of the packages, docstrings included, the templates, the pages and the examples.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("golf", "jobs", "cluster", "sweeps")
TEXTS = (".css", ".j2", ".js", ".md", ".toml")
HISTORY = ("CHANGELOG.md", "LOG.md")
"""Pages that tell what was, in the words of their day."""

WORDS: Mapping[str, str] = {
    r"rows? of (the|a) leaderboard|leaderboard('s)? rows?": "entry",
    r"the challenge's text|by the text of the challenge": "written rule",
    r"by the practice of|the organizers' practice": "precedent",
    r"interim looks?|at each look": "interim analysis",
    r"noise of the best|best by noise": "selection bias; luck alone explains",
    r"\bsets? aside\b": "quarantined, or left out",
    r"\b(is|was|are|been|has|have|unless) told\b(?! apart)": "reported",
    r"\bheard\b": "received",
    r"(store|database) (is|was) away|\bis away\b": "unavailable",
    r"\badapt(s|ing)? at test time\b": "test-time training",
    r"(from|at) entry \d+\b": "position",
    r"\bone deviation for all\b": "pooled variance",
    r"\b(in|its|other|their) company\b": "batch neighbors",
    r"\basked again\b|\b(is|are) resting\b": "retried, backoff",
    r"\bforsaken\b": "obsolete",
    r"\brests? on (?!yours)|\brested on\b": "evidence, or what decides",
    r"\bnought\b": "zero",
    r"\bby lot\b": "at random",
}
"""A word or phrase that is not used, as a regular expression, and what is said in its place."""

SENTENCES: Mapping[str, str] = {
    r"or go on with it": "Start or resume a sweep.",
    r"[Ss]ay what a sweep will do": "Preview jobs, time and cost",
    r"first of them rests": "Evidence for the leader",
    r"to settle it: nothing": "seeds still needed: none",
    r"their best by noise alone": "luck alone explains 6.66 mBPB",
    r"used for \S+ confirmations?": "evaluated 17 times on this set",
    r"its seconds on the contest's machine": "not timed on contest hardware",
    r"units of probability": "probabilities sum to 3.19 ± 0.56; they must sum to 1",
    r"moves earlier scores": "changing tokens from position 300 on changed the loss at position 183",
    r"search stands still": "search blocked",
    r"earlier form of|no longer asked for": "dropped 3 unfinished jobs that the edited file no longer needs",
    r"nobody runs it now|its scheduler is gone": "not running; resume with …",
    r"has told nothing": "no message from its worker for 300 s",
    r"below nought": "negative: the challenger is better",
    r"does without Ray": "runs without Ray",
    r"means just that preset": "naming a preset resets that stage",
    r"drawn by lot|tell what remembers": "random tokens expose scorers that keep state",
}
"""A sentence that was hard to understand, and the one that stands in its place."""

SPELLING: Mapping[str, str] = {
    r"\b\w*(antis|ptimis|ormalis|nitialis|ummaris|ecognis|rganis|inimis|aximis)(e|ed|es|er|ing|ation)\b": "-ize",
    r"\b\w*([Cc]olour|eighbour|ehaviour|avour|[Hh]onour)\w*\b": "-or",
    r"\b(grey|licence|catalogue|centre|defence|artefact)s?\b": "gray, license, catalog, center, defense, artifact",
}
"""British forms, and the American ones."""


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module, on one line each."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


def texts() -> Iterator[tuple[str, str]]:
    """Place and content of everything that people read."""
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*")):
        place = path.relative_to(ROOT)
        if path.suffix == ".py":
            yield from ((f"{place}:{line}", text) for line, text in strings_of(path.read_text()))
        elif path.suffix in TEXTS:
            yield str(place), " ".join(path.read_text().split())
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.toml")):
        if path.name not in HISTORY:
            yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())


@pytest.fixture(scope="module")
def everything() -> list[tuple[str, str]]:
    return list(texts())


@pytest.mark.parametrize("replaced", [WORDS, SENTENCES, SPELLING], ids=["words", "sentences", "spelling"])
def test_what_was_replaced_is_gone(replaced: Mapping[str, str], everything: list[tuple[str, str]]) -> None:
    """Each remaining phrase with its place, and what to say instead."""
    left = [
        f"{place}: {match[0]!r}; say instead: {better}"
        for phrase, better in replaced.items()
        for place, text in everything
        for match in re.finditer(phrase, text)
    ]
    assert not left, "\n".join(left)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("The entry rests on its jobs.", WORDS),
        ("The store is away.", WORDS),
        ("used for 17 confirmations", SENTENCES),
        ("Start a sweep, or go on with it.", SENTENCES),
        ("quantise the colours", SPELLING),
    ],
)
def test_the_lists_know_such_a_phrase(text: str, replaced: Mapping[str, str]) -> None:
    assert any(re.search(phrase, text) for phrase in replaced)
