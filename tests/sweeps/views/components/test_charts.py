"""What figures show: exact places of their data, and their data as a table."""

import numpy as np
import pytest

from sweeps.views.components.charts.curve_band import prepare_curve_band
from sweeps.views.components.charts.document_pairs import MOST_POINTS, prepare_document_pairs
from sweeps.views.components.charts.figure import MOST_ROWS, make_table, thin_out
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.charts.interval_dot import RuleLine, choose_interval_scale, prepare_interval
from sweeps.views.components.charts.multiplier_heatmap import classify_multiplier, prepare_multiplier_heatmap
from sweeps.views.components.charts.search_history import prepare_search_history
from sweeps.views.components.charts.seed_pairs import prepare_seed_pairs
from sweeps.views.components.charts.setting_effects import measure_importance, prepare_setting_effects
from sweeps.views.components.drawing import draw
from sweeps.views.components.panels.entry_table import value_of
from sweeps.views.components.scale import Scale, fit_scale
from tests.sweeps.views.components.examples import EXAMPLES, change, curve, row, trial


def test_every_figure_has_a_name_a_sentence_and_its_data_as_a_table() -> None:
    for kind, make in EXAMPLES.items():
        component = make("plain")
        assert component is not None
        if hasattr(component, "caption"):
            markup = str(draw(component))
            assert markup.count("<h3>") == 1 and "<title" in markup, kind
            table = markup[markup.index('<details class="data">') :]
            assert table.count('<th scope="col">') > 1 and '<th scope="row">' in table, kind


def test_a_scale_places_values_and_labels_round_ones() -> None:
    scale = Scale(low=1.0, high=3.0)
    assert [scale.place(value) for value in (0.0, 1.0, 1.5, 3.0, 9.0)] == [0.0, 0.0, 25.0, 100.0, 100.0]
    assert [(tick.label, tick.place) for tick in scale.ticks(5)] == [
        ("1.0", 0.0), ("1.5", 25.0), ("2.0", 50.0), ("2.5", 75.0), ("3.0", 100.0)
    ]  # fmt: skip
    assert [tick.label for tick in Scale(low=0.1, high=10.0, log=True).ticks(5)] == ["0.1", "0.3", "1", "3", "10"]
    assert [tick.label for tick in Scale(low=-0.5, high=3.5, whole=True).ticks(9)] == ["0", "1", "2", "3"]
    assert [tick.label for tick in Scale(low=1.0, high=1.0).ticks()] == ["1"]
    assert fit_scale([2.0, 4.0, float("nan")], padding=0.25) == Scale(low=1.5, high=4.5)


def test_an_interval_is_placed_with_its_seeds_and_cut_where_it_goes_on_beyond() -> None:
    scale = Scale(low=1.18, high=1.22)
    line = RuleLine(kind="baseline", label="baseline", value=1.21)
    shown = prepare_interval(value_of(row()), scale, [line, RuleLine(kind="margin", label="margin", value=1.0)])
    assert shown is not None
    assert (shown.low, shown.mean, shown.high, shown.seeds) == (0.0, 50.0, 100.0, (25.0, 50.0, 75.0))
    assert [(placed.kind, placed.place) for placed in shown.lines] == [("baseline", 75.0)]
    assert (shown.cut_low, shown.cut_high, shown.summary) == (
        False, False, "1.2000 bpb, 95 % interval 1.1800 to 1.2200"
    )  # fmt: skip
    wide = prepare_interval(value_of(row(val_bpb_ci95=(1.0, 1.3))), scale)
    far = prepare_interval(value_of(row(val_bpb_mean=1.5, val_bpb_ci95=(1.4, 1.6), seeds={"1": 1.5})), scale)
    assert wide is not None and wide.cut_low and wide.cut_high
    assert far is not None and (far.mean, far.low, far.seeds, far.cut_high) == (None, None, (), True)
    assert prepare_interval(value_of(row(val_bpb_mean=None)), scale) is None


def test_one_bad_entry_does_not_press_all_others_together() -> None:
    close = [row(val_bpb_mean=1.20 + i / 1000, val_bpb_ci95=None, seeds={"1": 1.20 + i / 1000}) for i in range(4)]
    bad = row(val_bpb_mean=9.0, val_bpb_ci95=(8.0, 10.0), seeds={"1": 9.0})
    scale = choose_interval_scale([value_of(each) for each in (*close, bad)])
    assert scale is not None and 1.203 < scale.high < 1.21
    assert choose_interval_scale([value_of(row(val_bpb_mean=None))]) is None


def test_the_frontier_steps_at_each_record() -> None:
    changes = [change("a", 1.2, "2026-01-01"), change("b", 1.1, "2026-01-11", over="a", difference_means_mbpb=-100.0)]
    shown = prepare_frontier(changes)
    assert shown is not None
    xs = [point.x for point in shown.tracks[0].points]
    a, b = ((shown.axes.x.place(place)) for place in (739617.0, 739627.0))
    assert xs == [a, b]
    [top, bottom] = [point.y for point in shown.tracks[0].points]
    assert shown.tracks[0].line == f"{a:g},{top:g} {b:g},{top:g} {b:g},{bottom:g} {b:g},{bottom:g}"
    assert shown.caption.table.rows[1] == ("b", "2026-01-11", "1.1000", "legal", "a", "-100.00", "–")
    undated = prepare_frontier([change("a", 1.2, None), change("b", 1.1, "2026-01-11")])
    assert undated is not None and [tick.label for tick in undated.axes.x_ticks] == ["1", "2"]
    assert prepare_frontier(changes[:1]) is None


def test_the_history_of_a_search_has_each_trial_and_the_best_so_far() -> None:
    trials = [trial(0, 1.3, lr=0.1), trial(1, None, lr=1.0), trial(2, 1.2, lr=0.5), trial(3, 1.25, lr=2.0)]
    shown = prepare_search_history(trials, 1, "note")
    assert shown is not None
    assert [point.kind for point in shown.points] == ["given", "best", "searched"]
    assert [point.x for point in shown.points] == [12.5, 62.5, 87.5]
    assert len(shown.best.split()) == 6 and shown.beyond == 0
    assert shown.caption.table.rows == (
        ("trial 0", "1.3000", "0.1"),
        ("trial 2", "1.2000", "0.5"),
        ("trial 3", "1.2500", "2"),
    )
    assert "3 trials with a score, 1 without; the best is trial 2" in shown.caption.summary
    assert prepare_search_history([trial(0, None)], 0, "") is None


def test_the_setting_that_decides_comes_first() -> None:
    trials = [trial(n, (n % 10) ** 2 / 10, a=0.1 * (n // 10 + 1), b=0.1 * (n % 10 + 1)) for n in range(40)]
    shares = measure_importance(trials)
    assert shares["b"] > 0.9 and sum(shares.values()) == pytest.approx(1.0)
    shown = prepare_setting_effects(trials)
    assert shown is not None and [panel.setting for panel in shown.panels] == ["b", "a"]
    assert shown.caption.table.rows[0] == ("b", f"{100 * shares['b']:.1f} %", "0.1")
    assert measure_importance(trials[:5]) == {} and prepare_setting_effects(trials[:3]) is None


def test_the_heat_map_has_a_row_for_each_layer_and_diverges_around_one() -> None:
    kinds = {
        0.1: "lower-4",
        0.25: "lower-4",
        0.5: "lower-2",
        1.0: "even",
        1.1: "even",
        1.5: "higher-1",
        4.0: "higher-4",
    }
    assert {value: classify_multiplier(value) for value in kinds} == kinds
    names = {"q.1": 0.5, "q.0": 1.0, "v.0": 2.0, "head": 4.0}
    shown = prepare_multiplier_heatmap({f"eval.multipliers.{name}": value for name, value in names.items()}, "trial 1")
    assert shown is not None
    assert [name for name, _ in shown.layers] == ["layer 0", "layer 1", "all layers"]
    assert shown.caption.table.rows == (
        ("layer 0", "1", "2", "–"), ("layer 1", "0.5", "–", "–"), ("all layers", "–", "–", "4")
    )  # fmt: skip
    assert prepare_multiplier_heatmap({"eval.lr": 0.1}, "trial 1") is None


def test_seeds_in_common_are_joined() -> None:
    ours = {"known_as": "new", "seeds": {"3": 1.0, "4": 1.2, "5": None}}
    shown = prepare_seed_pairs(ours, {"known_as": "old", "seeds": {"4": 1.1, "9": 1.4}})
    assert shown is not None
    scale = fit_scale([1.0, 1.4])
    assert shown.pairs == ((scale.place(1.2), scale.place(1.1)),)
    assert shown.challenger.mean == scale.place(1.1)
    assert shown.caption.table.rows == (
        ("seed 3", "1.0000", "–", "–"), ("seed 4", "1.2000", "1.1000", "+100.00"), ("seed 9", "–", "1.4000", "–")
    )  # fmt: skip
    assert "new is lower on 0 of 1" in shown.caption.note
    assert prepare_seed_pairs(ours, {"known_as": "old", "seeds": {"4": None}}) is None


def test_documents_are_thinned_out_and_counted_all() -> None:
    size = np.arange(1, 1001)
    documents = {"document": size, "bytes": size, "challenger": np.full(1000, 1.0), "incumbent": 0.9 + size / 4000}
    shown = prepare_document_pairs(documents, ("new", "old"))
    assert shown is not None and len(shown.points) == MOST_POINTS
    assert "new is better than old on 600 of 1,000 documents" in shown.caption.summary
    assert shown.caption.table.rows[0] == ("0 %", "-150.00") and shown.caption.table.rows[-1] == ("100 %", "+99.75")


def test_trainings_of_a_recipe_are_one_line_with_a_band_and_their_differences() -> None:
    shown = prepare_curve_band([curve(1, [4.0, 2.0]), curve(2, [5.0, 4.0])])
    assert shown is not None and shown.difference_axes is not None
    assert shown.caption.table.rows == (("1", "4.5000"), ("2", "3.0000"))
    assert shown.means[0].label == "base (2 trainings)" and len(shown.means[0].band.split()) == 4
    assert [line.label for line in shown.differences] == ["seed 1", "seed 2"]
    several = prepare_curve_band([curve(1, [4.0, 2.0]), curve(2, [5.0, 4.0]), curve(1, [6.0, 3.0], "other")])
    assert several is not None and [line.label for line in several.differences] == ["base", "other"]
    alike = prepare_curve_band([curve(1, [4.0, 2.0]), curve(2, [4.0, 2.0])])
    assert alike is not None and alike.difference_axes is None
    assert prepare_curve_band([curve(1, [4.0])]) is None


def test_long_data_keep_their_ends() -> None:
    assert thin_out(range(10), 4) == [0, 3, 6, 9]
    table = make_table(("a", "b"), [(str(n), "x") for n in range(1000)])
    assert (len(table.rows), table.left_out, table.rows[0][0], table.rows[-1][0]) == (MOST_ROWS, 880, "0", "999")
