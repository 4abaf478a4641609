"""Placeholders: which texts are filled in, and which are left as they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import InputError
from jobs.scripts.placeholders import WORDS, fill, placeholders, unknown_placeholders

VALUES = {"seed": "1337", "run": "r-1", "in.weights": "/w/final_model.pt"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{seed}", "1337"),
        ("logs/{run}/{seed}.txt", "logs/r-1/1337.txt"),
        ("{in.weights}", "/w/final_model.pt"),
        ("{{seed}}", "{seed}"),
        ("{{{seed}}}", "{{seed}}"),
        ('{"lr": 0.1, "betas": {}, "a": {"b": 1}}', '{"lr": 0.1, "betas": {}, "a": {"b": 1}}'),
        ("{0} {SEED} { seed } {a-b} {1, 2}", "{0} {SEED} { seed } {a-b} {1, 2}"),
        ("", ""),
    ],
)
def test_only_words_in_braces_are_filled_in(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


@pytest.mark.parametrize("text", ["{sead}", "a{in.artifact}b"])
def test_a_word_that_means_nothing_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="is no placeholder"):
        fill(text, VALUES)


def test_words_of_a_text_are_found_before_anything_runs() -> None:
    text = "{data} {{run}} {in.weights} {in.other} {sead}"
    assert placeholders(text) == {"data", "in.weights", "in.other", "sead"}
    assert unknown_placeholders(text, ["weights"]) == ["in.other", "sead"]


@given(st.dictionaries(st.text(), st.floats(allow_nan=False)))
def test_json_with_quoted_keys_is_never_changed(value: dict[str, float]) -> None:
    text = json.dumps(value)
    if not placeholders(text) and "{{" not in text:
        assert fill(text, {}) == text


@given(st.text(alphabet="{}abd seed"))
def test_a_text_is_filled_in_or_refused_and_nothing_else(text: str) -> None:
    known = dict.fromkeys(WORDS, "x")
    if unknown_placeholders(text, []):
        with pytest.raises(InputError):
            fill(text, known)
    else:
        assert not (placeholders(text) and fill(text, known) == text)
