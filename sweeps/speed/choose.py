"""Which short jobs tell most of how long a sweep takes here: a few steps, a document for each kind of evaluation.

They are of the sweep's own recipes and sizes, and read the bundled corpus, so that they need none of the sweep's data.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from golf.data.corpus import VOCAB_SIZE
from golf.flops import document_flops, training_flops
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig
from jobs.stages.audit import SHORT_SHARE
from jobs.stages.evaluate import EVALUATE
from jobs.stages.train import TRAIN
from sweeps.spec.file import SweepSpec
from sweeps.spec.recipe import Recipe
from sweeps.speed.nominal import AUDIT_SECONDS, AUDIT_SHARE, guess_rate
from sweeps.speed.samples import Speed

TRAIN_SECONDS, FEWEST_STEPS = 3.0, 4
"""Guessed length of the training, which has at least so many steps."""
SLOT_SECONDS = 40.0
"""Guessed work of all samples, at most, on one slot."""
DOCUMENT_TOKENS = 4096
"""Of a document of the bundled corpus, at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What to run: one training, and evaluations and audits of its artifact."""

    train: Recipe
    evaluations: Sequence[Recipe]
    """The most telling first."""
    audits: Sequence[float]
    """Budgets in seconds, of the first evaluation's recipe."""


def choose_samples(spec: SweepSpec, device: str, speed: Speed) -> Choice | None:
    """Choose short jobs of a sweep.

    Args:
        spec: the sweep.
        device: the device model that they will run on.
        speed: what is known of its speed.

    Returns:
        None for a sweep of a script, whose stages cannot be cut short, or of a model that this machine would take too
        long over.
    """
    recipes = [arm.recipe for arm in spec.arms for _ in arm.seeds if isinstance(arm.recipe, Recipe)]
    if spec.search is not None and isinstance(spec.recipe, Recipe):
        recipes = [spec.recipe] * spec.search.section.trials + recipes
    if not recipes:
        return None
    train_rate, eval_rate = (guess_rate(stage.name, device, speed) or 1.0 for stage in (TRAIN, EVALUATE))
    [(usual, _)] = Counter(recipe.train for recipe in recipes).most_common(1)
    train = _short_training(usual, train_rate)
    if train is None:
        return None
    left, chosen = SLOT_SECONDS, []
    kinds = {_kind(recipe.eval): _timed(recipe.eval) for recipe in reversed(recipes)}
    for kind, _ in Counter(_kind(recipe.eval) for recipe in recipes).most_common():
        config = kinds[kind]
        seconds = document_flops(DOCUMENT_TOKENS, config, train.model) / eval_rate
        if seconds <= left:
            left -= seconds
            chosen.append(Recipe(train=train, quantize=recipes[0].quantize, eval=config))
    audits = []
    for share in (SHORT_SHARE, 1.0):
        budget = float(spec.options["audit"]["seconds"]) * share
        seconds = AUDIT_SECONDS + AUDIT_SHARE * budget
        if chosen and seconds <= left:
            left -= seconds
            audits.append(budget)
    return Choice(
        train=Recipe(train=train, quantize=recipes[0].quantize, eval=_timed(recipes[0].eval)),
        evaluations=tuple(chosen),
        audits=tuple(audits),
    )


def _short_training(usual: TrainConfig, rate: float) -> TrainConfig | None:
    """A training's first steps; None where a few of them would take too long."""
    model = replace(usual.model, vocab_size=max(VOCAB_SIZE, usual.model.vocab_size))
    each = usual.batch_tokens * training_flops(model, usual.seq_len) / usual.gpus / rate
    if FEWEST_STEPS * each > SLOT_SECONDS:
        return None
    steps = max(FEWEST_STEPS, int(TRAIN_SECONDS / each))
    return replace(usual, model=model, steps=min(steps, usual.steps or steps), max_seconds=None)


def _kind(config: EvalConfig) -> tuple[object, ...]:
    """What evaluations share that take equally long; rates and multipliers change no time."""
    passes = (config.passes, config.steps_per_chunk)
    return config.protocol, config.adapters, config.ranks, passes, config.chunk, config.window, config.precision


def _timed(config: EvalConfig) -> EvalConfig:
    """An evaluation's settings on one slot, without a limit of time."""
    return replace(config, gpus=1, max_seconds=None)
