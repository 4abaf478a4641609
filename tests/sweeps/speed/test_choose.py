"""Which short jobs are chosen of a sweep."""

from pathlib import Path

from golf.data.corpus import VOCAB_SIZE
from sweeps.spec.file import load_sweep
from sweeps.speed.choose import SLOT_SECONDS, choose_samples
from sweeps.speed.samples import Speed
from tests.sweeps.made_up_world import spec_of

ROOT = Path(__file__).parents[3]
FAST, SLOW = Speed(core_flops=1e11), Speed(core_flops=1e6)


def test_of_the_demo_a_few_steps_and_a_document_of_each_kind_of_evaluation() -> None:
    choice = choose_samples(load_sweep(ROOT / "examples/demo.toml"), "cpu", FAST)
    assert choice is not None
    train = choice.train.train
    assert 4 <= (train.steps or 0) < 400
    assert (train.max_seconds, train.model.model_dim, train.batch_tokens) == (None, 64, 1024)
    kinds = [(recipe.eval.protocol, recipe.eval.passes, bool(recipe.eval.adapters)) for recipe in choice.evaluations]
    assert len(kinds) == 6  # the search's, and the arms'
    assert kinds[0] == ("score-first", 1, True)
    assert choice.audits == (1.0, 4.0)


def test_what_would_take_too_long_here_is_left_out() -> None:
    demo = load_sweep(ROOT / "examples/demo.toml")
    assert choose_samples(demo, "cpu", SLOW) is None
    fewer = choose_samples(demo, "cpu", Speed(core_flops=8e9))
    assert fewer is not None
    assert 0 < len(fewer.evaluations) < 6
    assert SLOT_SECONDS == 40.0


def test_no_training_has_more_steps_than_the_sweeps_own_and_a_model_reads_the_bundled_corpus() -> None:
    choice = choose_samples(spec_of(recipe={"train": {"gpus": 2, "steps": 9, "batch_tokens": 2048}}), "cpu", FAST)
    assert choice is not None
    assert choice.train.train.steps is not None and choice.train.train.steps <= 9
    assert choice.train.train.model.vocab_size == VOCAB_SIZE


def test_a_scripts_stages_cannot_be_cut_short() -> None:
    assert choose_samples(load_sweep(ROOT / "examples/script/sweep.toml"), "cpu", FAST) is None
