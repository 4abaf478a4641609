"""SettingEffects: how much each searched setting matters, and the scores of its values."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jobs.store import TrialRecord
from sweeps.views.components.charts.figure import Caption, PlotPoint, make_table, thin_out
from sweeps.views.components.charts.search_history import scale_scores, shorten_setting
from sweeps.views.components.scale import Scale, Tick, fit_scale
from sweeps.views.wording import format_setting

HEIGHT = 110
MOST_PANELS = 8
LEAST_SHOWN = 4
"""Of fewer trials nothing is shown."""
MOST_POINTS = 80
"""Points of a panel."""
LEAST_TRIALS = 12
"""Of fewer trials no importance is computed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingPanel:
    """One setting: its values from left to right, their scores from bottom to top."""

    setting: str
    share: int | None
    """Percent of the differences between good and other trials that it explains."""
    summary: str
    ticks: tuple[Tick, ...]
    points: tuple[PlotPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingEffects:
    """The settings that matter most, a small panel each."""

    template: ClassVar[str] = "charts/setting_effects.html.j2"
    caption: Caption
    height: int
    panels: tuple[SettingPanel, ...]


def prepare_setting_effects(trials: Sequence[TrialRecord]) -> SettingEffects | None:
    """From the trials of a search; None where too few have a score."""
    done = [trial for trial in trials if trial.value is not None]
    if len(done) < LEAST_SHOWN:
        return None
    shares = measure_importance(done)
    names = sorted(done[0].parameters, key=lambda name: -shares.get(name, 0.0))
    scores = scale_scores([trial.value for trial in done if trial.value is not None])
    panels = [_prepare_panel(name, done, shares.get(name), scores) for name in names[:MOST_PANELS]]
    method = (
        "Share: how much of the difference between the best tenth and all trials a setting explains (PED-ANOVA); "
        "a rough guide with few trials. "
        if shares
        else ""
    )
    leading = f"; {names[0]} explains {100 * shares[names[0]]:.0f} %" if shares else ""
    rows = [
        (
            name,
            f"{100 * shares[name]:.1f} %" if name in shares else "–",
            format_setting(_best(done).parameters.get(name)),
        )
        for name in names
    ]
    caption = Caption(
        name="settings",
        title="What each setting did",
        note=f"{method}Each dot is a trial: the setting's value from left to right, its score upward; darker is later. "
        "Lower is better.",
        summary=f"{len(names)} searched settings{leading}",
        table=make_table(("setting", "share", "in the best trial"), rows),
    )
    return SettingEffects(caption=caption, height=HEIGHT, panels=tuple(panels))


def measure_importance(trials: Sequence[TrialRecord]) -> dict[str, float]:
    """Share of the differences that each setting explains; empty where it cannot be computed."""
    if len(trials) < LEAST_TRIALS or len(trials[0].parameters) < 2:
        return {}
    import optuna
    from optuna.distributions import json_to_distribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=None)
    for trial in trials:
        distributions = {name: json_to_distribution(text) for name, text in trial.distributions.items()}
        study.add_trial(
            optuna.trial.create_trial(value=trial.value, params=dict(trial.parameters), distributions=distributions)
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns where all trials are alike
            shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError, Warning):  # all trials score alike
        return {}
    return {name: share for name, share in shares.items() if share == share}


def _best(trials: Sequence[TrialRecord]) -> TrialRecord:
    return min(trials, key=lambda trial: trial.value if trial.value is not None else float("inf"))


def _prepare_panel(name: str, trials: Sequence[TrialRecord], share: float | None, scores: Scale) -> SettingPanel:
    known = [trial for trial in trials if name in trial.parameters]
    values = [trial.parameters[name] for trial in known]
    place, ticks = _scale_values(values, json.loads(known[0].distributions[name]))
    last = max(1, len(known) - 1)
    points = []
    for index, trial in thin_out(list(enumerate(known)), MOST_POINTS):
        assert trial.value is not None
        value = trial.parameters[name]
        y = round(HEIGHT * (1 - scores.place(trial.value) / 100), 1)
        points.append(PlotPoint(x=place(value), y=y, kind=f"age-{min(3, 4 * index // (last + 1))}"))
    best = _best(known)
    return SettingPanel(
        setting=shorten_setting(name),
        share=None if share is None else round(100 * share),
        summary=f"{name}: {len(known)} trials; {format_setting(best.parameters[name])} in the best",
        ticks=ticks,
        points=tuple(points),
    )


def _scale_values(values: Sequence[Any], distribution: Mapping[str, Any]) -> tuple[Any, tuple[Tick, ...]]:
    """From a value to its place in percent, and the axis's labels."""
    if distribution["name"] == "CategoricalDistribution":
        choices = list(dict.fromkeys([*distribution["attributes"]["choices"], *values]))
        places = {str(choice): round(100 * (index + 0.5) / len(choices), 2) for index, choice in enumerate(choices)}
        shown = choices if len(choices) <= 4 else []
        return (
            lambda value: places[str(value)],
            tuple(Tick(place=places[str(choice)], label=_shorten(str(choice))) for choice in shown),
        )
    attributes = distribution["attributes"]
    scale = fit_scale([attributes["low"], attributes["high"]], log=bool(attributes["log"]))
    return scale.place, scale.ticks(3)


def _shorten(text: str) -> str:
    return text if len(text) <= 9 else f"{text[:8]}…"
