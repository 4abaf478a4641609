"""What wrong values hide is reported with them, and nothing is said of what stands in for them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import InputError
from sweeps.spec.file import load_sweep, parse_sweep

TINY = Path(__file__).parents[3] / "tiny.toml"
ALONE = {
    "seeds.confirm=[-3]": "seeds.confirm.0 = -3: ",
    "priority=100000000000000000000": "priority = 100000000000000000000: ",
    "train.gpus=3": "train.batch_tokens = 512: must be a multiple of seq_len × gpus = 128 × 3",
    "train.model.num_layers=257": "train.model.num_layers = 257: ",
    "confirm.top=99": "confirm.top = 99: there are only 4 trials",
    "budget.dollars=-3": "budget.dollars = -3: ",
    "quantize.level=99": "quantize.level = 99: ",
    "nmae='tiny'": "nmae: unknown key; did you mean name?",
}
"""An assignment that is wrong by itself → how its problem begins."""


def problems(*assignments: str) -> list[str]:
    with pytest.raises(InputError) as error:
        load_sweep(TINY, assignments)
    return [line.removeprefix(f"{TINY}: ") for line in error.value.problems]


@settings(max_examples=40)
@given(st.sets(st.sampled_from(sorted(ALONE)), min_size=1))
def test_each_of_several_problems_has_one_line(wrong: set[str]) -> None:
    lines = problems(*wrong)
    assert len(lines) == len(wrong), lines
    for assignment in wrong:
        assert sum(line.startswith(ALONE[assignment]) for line in lines) == 1, (assignment, lines)


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("train.gpus=0", "train.gpus = 0: "),
        ("train.gpus='8'", "train.gpus = '8': "),
        ("seeds.tune=['a']", "seeds.tune.0 = 'a': "),
        ("seeds=3", "seeds = 3: "),
        ("data.tokens=5", "data.tokens = 5: "),
        ("search.trials=0", "search.trials = 0: "),
        ("search='many'", "search = 'many': "),
        ("train=5", "train = 5; "),
        ("eval.preset='score-frist'", "eval.preset = 'score-frist': "),
    ],
)
def test_nothing_is_said_of_what_stands_in(assignment: str, problem: str) -> None:
    [line] = problems(assignment)
    assert line.startswith(problem)


def test_an_arm_and_the_recipe_each_have_their_problems() -> None:
    source: dict[str, Any] = tomllib.loads(TINY.read_text(encoding="utf-8"))
    source["recipe"]["train"]["gpus"] = 3
    source["arm"][0]["eval"]["epochs"] = -1
    source["name"] = "."
    with pytest.raises(InputError) as error:
        parse_sweep(source, "f")
    beginnings = ["f: name = '.'", 'f: arm "lora-ttt": eval.epochs = -1', "f: train.batch_tokens = 512"]
    assert sorted(error.value.problems) == sorted(
        line for line in error.value.problems if line.startswith(tuple(beginnings))
    )
    assert len(error.value.problems) == 3
