"""Golden vectors from the original implementation of PR 611, and errors for invalid folders."""

import json
import math
import shutil
from pathlib import Path

import pytest

from golf.errors import InputError
from golf.selftest import BUNDLED, LIMITS, CaseResult, DocumentResult, config_of, selftest


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_every_case_and_document_agrees_within_1e_5(folder: Path, tmp_path: Path) -> None:
    vectors = json.loads((folder / "cases.json").read_text())
    results = selftest(folder)
    assert [case.name for case in results] == list(vectors["cases"])
    for case in results:
        assert len(case.documents) == len(vectors["documents"])
        assert case.max_difference < LIMITS["float32"] == 1e-5, case.name


def test_in_bfloat16_cases_agree_within_its_limit_and_not_within_that_of_float32() -> None:
    results = selftest(BUNDLED[1], precision="bfloat16")
    assert all(1e-5 < case.max_difference < LIMITS["bfloat16"] for case in results)


def test_a_difference_that_is_no_number_is_not_hidden_by_others() -> None:
    documents = [DocumentResult(nll_per_token=value, expected=1.0) for value in (1.0, math.nan, 1.0)]
    for first in range(3):
        assert math.isnan(CaseResult(name="case", documents=(*documents[first:], *documents[:first])).max_difference)


def test_missing_settings_have_the_original_defaults() -> None:
    config = config_of({})
    assert (config.chunk, config.window, config.min_document_tokens, config.nll_factor) == (256, 1024, 512, 0.98)
    assert config.adapters == ("q", "v", "head", "bias")
    assert config.schedule == "cosine"
    mult = config_of({"mult": {"lm_head": 4, "k": 0.1}, "ttt_k_lora": True}).multipliers
    assert (mult.head, mult.k, mult.q) == (4.0, 0.1, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not golden vectors"),
        ('{"documents": []}', "not golden vectors"),
        (
            '{"documents": [[1, 5]], "cases": {"a": {"settings": {}, "documents": []}}}',
            '"a" has entries for 0 ',
        ),
        (
            '{"documents": [[1, 5]], "cases": {"a": {"settings": {}, "documents": [{"bpb": 1.0}]}}}',
            'case "a", document 0: nll_per_token = None; expected a finite number',
        ),
        (
            '{"documents": [[1, 5]], "cases": {"a": {"settings": {}, "documents": [{"nll_per_token": NaN}]}}}',
            'case "a", document 0: nll_per_token = nan',
        ),
        ('{"documents": [[1, 5]], "cases": {"a": {"settings": {}, "documents": [3]}}}', "not golden vectors"),
        ('{"documents": [], "cases": {"a": {"settings": {"ttt_typo": 1}, "documents": []}}}', '"ttt_typo" is unknown'),
    ],
)
def test_a_folder_without_golden_vectors_is_an_input_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cases.json").write_text(text)
    with pytest.raises(InputError, match=message):
        selftest(tmp_path)


def test_invalid_documents_are_named(tmp_path: Path) -> None:
    shutil.copy(BUNDLED[0] / "model.safetensors", tmp_path)
    (tmp_path / "cases.json").write_text('{"documents": [[1, 5], [1, 5.5]], "cases": {}}')
    with pytest.raises(InputError, match=r"cases\.json: document 1 has shape \(2,\) of float64"):
        selftest(tmp_path)


def test_a_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        selftest(tmp_path / "nowhere")
