"""Two entries side by side: every test that can be made, the reason for each that cannot, and what differs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.board.compare import Pair, compare, document_differences, list_differences
from sweeps.board.entries import build_entry
from sweeps.board.pairs.families import label_trainings
from sweeps.entries.reading import pair_of
from sweeps.statistics import anytime_level, paired_test, two_way_test, welch_test
from sweeps.views.components.charts.seed_pairs import prepare_seed_pairs
from sweeps.views.report import report
from sweeps.views.terminal import compare_evidence, compare_text
from tests.sweeps.evaluations import evaluation
from tests.sweeps.made_up import SIZES, file, play


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    opened = Workplace.open(tmp_path_factory.mktemp("compare") / "home")
    play(opened, file("other"), val_digest="w" * 64)
    play(opened, file("main"))
    return opened


def of(pair: Pair) -> dict[str, Any]:
    comparison = compare(pair)
    json.dumps(comparison, allow_nan=False, default=str)
    return comparison


def text_of(comparison: dict[str, Any], documents: Any) -> str:
    console = Console(width=80, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(compare_text.render(comparison, documents))
    assert max(map(len, captured.get().splitlines())) <= 80
    return captured.get()


def test_every_test_is_the_one_of_its_name(place: Workplace) -> None:
    pair = pair_of("base", "none", place)
    comparison, c, i = of(pair), pair.challenger, pair.incumbent
    mine, theirs = ([pair.read_scores(run.scores) for run in row.runs if run.scores] for row in (c, i))
    tests = comparison["tests"]
    assert tests["welch"]["p_value"] == welch_test(c.scores, i.scores).p_value
    assert tests["welch_margin"]["p_value"] == welch_test(c.scores, i.scores, c.margin or 0).p_value
    assert tests["two_way"]["p_value"] == two_way_test(mine, theirs, same_artifacts=True).p_value
    assert (tests["paired_documents"]["artifacts"], tests["two_way"]["same_artifacts"]) == (3, True)
    assert (tests["pooled"]["rows"], tests["pooled"]["trainings"]) == (2, 1)
    assert tests["pooled"]["df"] == 2  # one set of artifacts tells of spread once
    assert tests["pooled"]["equal_variance_p"] is None
    assert comparison["difference"]["mbpb"] == pytest.approx(-30, abs=0.5)
    assert comparison["difference"]["nats_per_token"] == pytest.approx(
        comparison["difference"]["bpb"] * np.log(2) * 4, rel=1e-2
    )
    assert [comparison["verdicts"][rule]["passed"] for rule in ("written_rule", "precedent")] == [True, True]
    assert comparison["plans"] == {"written_rule": None, "precedent": None}
    assert {difference["setting"] for difference in comparison["settings"]} >= {
        "eval.lr",
        "eval.protocol",
        "eval.adapters",
    }
    documents = document_differences(pair)
    assert documents is not None
    weighted = (documents["challenger"] - documents["incumbent"]) @ SIZES / SIZES.sum()
    assert weighted == pytest.approx(comparison["difference"]["bpb"])
    by_documents = paired_test(*(pair.read_scores(row.runs[0].scores or "") for row in (c, i)))
    assert tests["paired_documents"]["difference"] == pytest.approx(by_documents.difference, abs=1e-3)


def test_turned_round_it_is_not_shown_and_no_seeds_would_do(place: Workplace) -> None:
    comparison = of(pair_of("none", "base", place))
    assert comparison["verdicts"]["written_rule"]["passed"] is False
    assert comparison["plans"] == {"written_rule": None, "precedent": None}
    assert "no affordable number of seeds" in "\n".join(compare_evidence.list_conclusions(comparison))


def test_what_cannot_be_compared_is_refused_with_the_reason(place: Workplace) -> None:
    for pair, words in (
        (("leak", "base"), "of different tracks \\(flagged and legal\\)"),
        (("base", "other/base"), "different validation sets"),
        (("base", "base"), "is the same entry twice"),
    ):
        with pytest.raises(InputError, match=words):
            compare(pair_of(*pair, place))


def test_one_seed_tells_of_no_noise_but_documents_still_pair(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    arms = [{"name": "a", "seeds": [3]}, {"name": "b", "eval": {"preset": "none"}}]
    play(place, file("one", arm=arms))
    comparison = of(pair_of("a", "b", place))
    assert comparison["tests"]["welch"] == {"p_value": None, "why": "a has one seed, so its noise is unknown"}
    assert comparison["tests"]["two_way"]["p_value"] is None
    assert comparison["tests"]["paired_documents"]["artifacts"] == 1
    assert comparison["verdicts"]["written_rule"]["passed"] is None
    text = " ".join(text_of(comparison, document_differences(pair_of("a", "b", place))).split())
    assert "undecided: a has one seed" in text
    assert "give both at least two seeds" in text


def test_trainings_are_not_compared_by_documents_alone(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    arms = [{"name": "a"}, {"name": "b", "train": {"muon_lr": 0.05}}]
    noisy = file("one", arm=arms)
    play(place, noisy, lambda job: 1.2 + 0.01 * np.sin(int(job.inputs["artifact"][:6], 16)))
    pair = pair_of("a", "b", place)
    comparison = of(pair)
    assert "documents alone cannot support a claim" in comparison["tests"]["paired_documents"]["why"]
    assert comparison["tests"]["two_way"]["same_artifacts"] is False
    assert document_differences(pair) is None
    assert [difference["setting"] for difference in comparison["settings"]] == ["train.muon_lr"]
    assert "pooled variance" in " ".join(text_of(comparison, None).split())


def test_the_plan_and_what_is_not_used_are_said(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    arms = [{"name": "a"}, {"name": "b", "eval": {"lr": 0.02}}]

    def close(job: Any) -> float:
        return 1.2 + 0.004 * np.sin(3 * job.seed) + (0.009 if job.settings["eval"]["lr"] == 0.02 else 0)

    play(place, file("one", arm=arms), close)
    comparison = of(pair_of("a", "b", place))
    lines = "\n".join(compare_evidence.list_conclusions(comparison))
    plan = comparison["plans"]["written_rule"]
    assert comparison["verdicts"]["written_rule"]["anytime"] == {"level": anytime_level(3), "passed": False}
    assert comparison["verdicts"]["precedent"]["anytime"]["level"] == anytime_level(3, 0.25)
    least, most = plan["least"], plan["most"]
    assert least["level"] == anytime_level(least["seeds"]) < anytime_level(3)
    assert most["more"] > least["more"]
    levels = f"{least['level']:.2g} to {most['level']:.2g}"
    assert f"Their test must reach p < {levels}, because seeds are added after an interim analysis" in lines
    price = f"${least['dollars']:.2f} to ${most['dollars']:.2f}"
    assert f"Next: {least['more']} to {most['more']} more seeds each, {price}." in lines
    hopeless = compare_evidence.list_conclusions(comparison | {"plans": {"written_rule": plan | {"most": None}}})
    assert any("at the worse end no affordable number would" in line for line in hopeless)
    assert "No paired by training: all differences are equal" in lines
    assert "with 3 against 3 seeds it cannot go below p = 0.05" in lines
    assert "No percentile bootstrap" in lines


@pytest.mark.parametrize(("p", "seeds", "words"), [
    (0.0032, 3, "Seeds still needed: none, whatever interim analyses"),
    (0.0034, 3, "p < 0.0033 is needed at this number of seeds, which is not reached"),
    (0.0034, 6, "p < 0.0019 is needed at this number of seeds, which is not reached"),
    (0.0001, 2, "added after an interim analysis, at least 3 seeds are needed, which is not reached"),
])  # fmt: skip
def test_a_shown_claim_says_whether_interim_analyses_matter(place: Workplace, p: float, seeds: int, words: str) -> None:
    comparison = of(pair_of("base", "none", place))
    level = anytime_level(seeds)
    changed = comparison["verdicts"]["written_rule"] | {"p_value": p, "anytime": {"level": level, "passed": p < level}}
    lines = compare_evidence.list_conclusions(
        comparison | {"verdicts": comparison["verdicts"] | {"written_rule": changed}}
    )
    assert any(words in line for line in lines)


def test_a_record_of_others_gets_no_more_seeds(place: Workplace) -> None:
    scores = {"old": (1.081, 1.083, 1.085), "new": (1.080, 1.082, 1.0848), "third": (1.2, 1.5, 1.9)}
    for name, given in scores.items():
        place.store.put_record(name, {"name": name, "seeds": {str(seed): score for seed, score in enumerate(given)}})
    comparison = of(pair_of("new", "old", place))
    assert comparison["verdicts"]["precedent"]["passed"] is False
    assert comparison["plans"]["precedent"]["most"] is None  # its three seeds stay as noisy as they are
    assert comparison["plans"]["precedent"]["least"]["dollars"] is None
    assert comparison["tests"]["pooled"]["rows"] == 2  # of the two alone, whatever other records there are
    assert comparison["tests"]["pooled"]["sound"] is True


def test_entries_of_one_name_are_distinguished(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    for name in ("spring", "summer"):
        play(place, file(name, arm=[{"name": "lora-ttt"}, {"name": "none", "eval": {"preset": "none"}}]))
    pair = pair_of("lora-ttt", "spring/lora-ttt", place)
    comparison = of(pair)
    assert [comparison[side]["name"] for side in ("challenger", "incumbent")] == ["lora-ttt", "lora-ttt"]
    text = text_of(comparison, document_differences(pair))
    assert "mBPB worse than spring/lora-ttt, which is" in text or "mBPB better than spring/lora-ttt, which is" in text
    assert text.startswith("summer/lora-ttt is ")
    assert "\n     summer/lora-ttt " in text
    page = report.write_comparison(comparison, None, place).read_text()
    assert "<title>summer/lora-ttt against spring/lora-ttt –" in page
    figure = prepare_seed_pairs(comparison["challenger"], comparison["incumbent"])
    assert figure is not None
    assert (figure.challenger.name, figure.incumbent.name) == ("summer/lora-ttt", "spring/lora-ttt")
    assert comparison["tests"]["pooled"]["trainings"] == 1  # the second sweep found the first one's artifacts


def test_what_is_quantized_in_other_ways_was_trained_once(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    play(
        place,
        file(
            "one",
            arm=[{"name": "a"}, {"name": "b", "quantize": {"bits": 8}}, {"name": "c", "train": {"muon_lr": 0.05}}],
        ),
    )
    rows = pair_of("a", "b", place).peers
    labels = dict(zip([row.name for row in rows], label_trainings(rows), strict=True))
    assert labels["a"] == labels["b"] != labels["c"]


def test_entries_share_trainings_through_others() -> None:
    def row(*weights: str) -> Any:
        runs = [evaluation(weights[0], n, 1.2, weights=digest) for n, digest in enumerate(weights)]
        return build_entry(runs, "accepted")

    rows = [row("a", "b"), row("x"), row("c", "d"), row("b", "c"), row("e")]
    labels = label_trainings(rows)
    assert [labels[n] == labels[0] for n in range(5)] == [True, False, True, True, False]
    assert labels[1] != labels[4]
    quantized = [build_entry([evaluation(name, 1, 1.2)], "accepted") for name in ("q", "r")]
    assert len(set(label_trainings(quantized))) == 2  # by artifact, where the weights are not known


def test_it_fits_80_columns(place: Workplace) -> None:
    pair = pair_of("base", "none", place)
    text = text_of(of(pair), document_differences(pair))
    for word in (
        "mBPB better than none, which is SHOWN",
        "Welch, seeds",
        "eval.protocol",
        "●",
        "6 of 6 documents are lower",
    ):
        assert word in text


def test_dots_stand_where_the_values_are() -> None:
    line = compare_text.draw_dots([0.0, 1.0], 0.0, 1.0)
    assert (line[0], line[-1], line.count("●"), line.count("┃")) == ("●", "●", 2, 1)
    assert compare_text.draw_dots([2.0], 2.0, 2.0).count("●") == 1


def test_settings_differ_by_dotted_names() -> None:
    ours, other = {"eval": {"lr": 1, "ranks": {"q": 8}}}, {"eval": {"lr": 1, "ranks": {"q": 4}, "epochs": 2}}
    assert list_differences(ours, other) == [
        {"setting": "eval.epochs", "challenger": None, "incumbent": 2},
        {"setting": "eval.ranks.q", "challenger": 8, "incumbent": 4},
    ]


def test_public_records_are_compared_by_their_seeds_alone(place: Workplace) -> None:
    scores = {"PR 1493": (1.08079, 1.08103, 1.08118), "PR 1514": (1.07928348, 1.07996676, 1.08024795)}
    for name, given in scores.items():
        place.store.put_record(name, {"name": name, "seeds": {str(seed): score for seed, score in enumerate(given)}})
    comparison = of(pair_of("PR 1514", "PR 1493", place))
    assert round(comparison["tests"]["welch"]["p_value"], 3) == 0.020
    assert comparison["verdicts"]["precedent"]["passed"] is True
    assert comparison["verdicts"]["written_rule"]["passed"] is None
    assert comparison["plans"] == {"written_rule": None, "precedent": None}
    back = of(pair_of("PR 1493", "PR 1514", place))
    assert back["plans"]["precedent"] is None  # it is the worse one
    assert comparison["tests"]["pooled"]["rows"] == 2
    assert comparison["difference"]["nats_per_token"] is None
    assert "the size of the validation set is unknown" in comparison["tests"]["welch_margin"]["why"]
    assert "PR 1514 is 1.17 mBPB better than PR 1493, which is UNDECIDED" in text_of(comparison, None)
    with pytest.raises(InputError, match="different tracks"):
        compare(pair_of("PR 1514", "base", place))
