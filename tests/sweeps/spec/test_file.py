"""Sweep files: what each section takes, and a line that names file and key for each thing that is wrong."""

import copy
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from sweeps.spec.file import SweepSpec, load_sweep, parse_sweep
from sweeps.spec.sections import MOST_SEED

FILE: dict[str, Any] = {
    "name": "x",
    "data": {"tokens": "demo"},
    "seeds": {"tune": [1, 2], "confirm": [3, 4]},
    "arm": [{"name": "a", "eval": {"preset": "lora-ttt"}}, {"name": "b", "seeds": [9]}],
    "search": {"trials": 4, "documents": 8, "space": {"eval.lr": {"low": 1e-4, "high": 1e-1, "log": True}}},
    "confirm": {"top": 2},
}
LR = {"eval.lr": {"low": 1e-4, "high": 1e-1, "log": True}}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The file with one value set, made or (None) taken away."""
    file: Any = copy.deepcopy(FILE)
    *parents, name = path.split("/")
    place = file
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    key: Any = int(name) if isinstance(place, list) else name
    if value is None:
        del place[key]
    else:
        place[key] = value
    return dict(file)


def parsed(path: str, value: Any) -> SweepSpec:
    return parse_sweep(changed(path, value), "some.toml")


def refusal(path: str, value: Any) -> str:
    """The one line that refuses a value, without the file's name."""
    with pytest.raises(InputError) as error:
        parsed(path, value)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith("some.toml: ")
    return line.removeprefix("some.toml: ")


def test_what_a_file_leaves_out_takes_the_documented_value() -> None:
    spec = parse_sweep(FILE, "some.toml")
    assert (spec.rules, spec.priority, spec.baseline, spec.confirm_top) == ("accepted", 0, None, 2)
    assert spec.data.tuning_documents == 512
    assert spec.search is not None
    section = spec.search.section
    assert (section.parallel, section.sampler, section.documents, section.seed) == (8, "tpe", 8, 0)
    assert (spec.budget.gpu_hours, spec.budget.dollars_per_gpu_hour) == (None, None)
    assert [(arm.name, arm.seeds) for arm in spec.arms] == [("a", (3, 4)), ("b", (9,))]
    assert spec.arms[0].recipe.eval.adapters == ("q", "v", "head")
    assert spec.arms[1].recipe == spec.recipe


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", None, "name: missing"),
        ("data", None, "data: missing"),
        ("data/tokens", None, "data.tokens: missing"),
        ("data/tokenizer", "x.model", 'data.tokenizer: data.tokens = "demo" brings its own; leave it out'),
        ("data/tuning_documents", 7, 'data.tuning_documents: data.tokens = "demo" brings its own; leave it out'),
        ("seeds", None, "seeds: missing"),
        ("seeds/confirm", None, "seeds.confirm: missing"),
        ("search/trials", None, "search.trials: missing"),
        ("search/space", None, "search.space: missing"),
        ("search/promote", {"top": 1}, "search.promote.documents: missing"),
        # Misspelt
        ("nmae", "x", "nmae: unknown key; did you mean name?"),
        ("data/token", "x", "data.token: unknown key; did you mean data.tokens?"),
        ("seeds/confrim", [5], "seeds.confrim: unknown key; did you mean seeds.confirm?"),
        ("search/trails", 3, "search.trails: unknown key; did you mean search.trials?"),
        ("search/promote", {"top": 2, "document": 3}, "did you mean search.promote.documents?"),
        ("confirm/tpo", 3, "confirm.tpo: unknown key; did you mean confirm.top?"),
        ("budget/gpu_hour", 3, "budget.gpu_hour: unknown key; did you mean budget.gpu_hours?"),
        ("baseline", {"rwo": "a"}, "baseline.rwo: unknown key; did you mean baseline.row?"),
        ("arm/0/evel", {}, 'arm "a": evel: unknown key; did you mean eval?'),
        ("arm/0/eval/epoch", 2, 'arm "a": eval.epoch: unknown key; did you mean eval.epochs?'),
        ("recipe/eval/epoch", 2, "eval.epoch: unknown key; did you mean eval.epochs?"),
        ("recipe/evel", {}, "evel: unknown key; did you mean eval?"),
        ("rules", "acepted", "rules = 'acepted'"),
        ("search/sampler", "tpee", "search.sampler = 'tpee': no such sampler; did you mean tpe?"),
        # Of the wrong type
        ("name", 3, "name = 3"),
        ("priority", "high", "priority = 'high'"),
        ("priority", 1.5, "priority = 1.5"),
        ("data", "demo", "data = 'demo'"),
        ("data/tuning_documents", True, "data.tuning_documents = True"),
        ("seeds/tune", 1, "seeds.tune = 1"),
        ("seeds/tune", ["1"], "seeds.tune.0 = '1'"),
        ("seeds/confirm", [3, 4.5], "seeds.confirm.1 = 4.5"),
        ("recipe", 3, "recipe = 3"),
        ("recipe/eval", "none", "eval = 'none'; expected a table"),
        ("arm", {"name": "a"}, "arm = "),
        ("arm/0", "a", "arm.0 = 'a'"),
        ("arm/0/name", 7, "arm 1: name"),
        ("arm/0/baseline", "yes", "arm \"a\": baseline = 'yes'"),
        ("arm/0/seeds", ["3"], "arm \"a\": seeds = ['3']"),
        ("arm/0/seeds", [True], 'arm "a": seeds = [True]'),
        ("search", 3, "search = 3"),
        ("search/space", ["eval.lr"], "search.space = ['eval.lr']"),
        ("search/first", {"eval": {}}, "search.first = "),
        ("search/first", [3], "search.first.0 = 3"),
        ("search/trials", 4.0, "search.trials = 4.0"),
        # Out of range
        ("name", "", "name = ''"),
        ("name", "a/b", "name = 'a/b'"),
        ("name", "x" * 81, "name = "),
        ("data/tuning_documents", 0, "data.tuning_documents = 0"),
        ("seeds/confirm", [], "seeds.confirm = []"),
        ("search/trials", 0, "search.trials = 0"),
        ("search/parallel", 0, "search.parallel = 0"),
        ("search/documents", 0, "search.documents = 0"),
        ("search/promote", {"top": 0, "documents": 3}, "search.promote.top = 0"),
        ("search/space", {}, "search.space: empty"),
        ("confirm/top", -1, "confirm.top = -1"),
        ("confirm/top", 5, "confirm.top = 5: there are only 4 trials"),
        ("budget", {"gpu_hours": 0}, "budget.gpu_hours = 0"),
        ("budget", {"dollars_per_gpu_hour": -1.0}, "budget.dollars_per_gpu_hour = -1.0"),
        ("baseline", {"mean": 1.0, "n": 0}, "baseline.n = 0"),
        # At odds with another key
        ("arm/1/name", "a", 'arm "a": there are two arms of this name'),
        ("arm/0/name", None, "arm 1: name"),
        ("arm/0/name", " ", "arm 1: name"),
        ("arm/0/seeds", [], 'arm "a": seeds = []'),
        ("arm/0/seeds", [5, 2], 'arm "a": seeds: 2 is in seeds.tune too'),
        ("seeds/tune", [], "seeds.tune: empty; a search needs at least one"),
        ("seeds/tune", [1, 1], "seeds.tune: 1 is in seeds.tune already"),
        ("seeds/confirm", [3, 3], "seeds.confirm: 3 is in seeds.confirm already"),
        ("seeds/confirm", [3, 2], "seeds.confirm: 2 is in seeds.tune already"),
        ("seeds/report", [4], "seeds.report: 4 is in seeds.confirm already"),
        ("baseline", {}, "baseline: empty; give row, or mean"),
        ("baseline", {"std": 0.1, "n": 3}, "baseline: empty; give row, or mean"),
        ("baseline", {"row": "zebra"}, "baseline.row = 'zebra': no such arm"),
        ("search/first", [{"eval": {"lr": 1.0}}], "search.first 1: eval.lr = 1.0: outside its range"),
        ("search/first", [{"eval": {"lr": 0.0}}], "search.first 1: eval.lr = 0.0: outside its range"),
        ("search/first", [{"eval": {"lr": -1}}], "search.first 1: eval.lr = -1.0: outside its range"),
        ("search/first", [{}, {"eval": {"epochs": 2}}], "search.first 2: eval.epochs: unknown key"),
        ("search/space", {"eval.chunk": [256, 2048]}, "eval.window = 1024: must be at least eval.chunk = 2048"),
        ("search/space", {"eval.adapters": [["q"], ["z"]]}, 'unknown kind "z"'),
    ],
)
def test_whatever_is_wrong_is_one_line_that_names_it(path: str, value: Any, words: str) -> None:
    assert words in refusal(path, value)


def test_a_search_scores_no_more_documents_than_are_held_out() -> None:
    shards = {"tokens": "/shards", "tokenizer": "x.model", "tuning_documents": 4}
    assert "search.documents = 8: only data.tuning_documents = 4" in refusal("data", shards)


def test_one_baseline_at_most() -> None:
    assert parsed("arm/1/baseline", True).baseline == "b"
    assert parsed("baseline", {"row": "a"}).baseline == "a"
    published = parsed("baseline", {"mean": 1.1, "std": 0.01, "n": 3}).baseline
    assert not isinstance(published, str) and published is not None
    assert (published.mean, published.std, published.n) == (1.1, 0.01, 3)
    file = changed("arm/1/baseline", True)
    for second in ({"arm": [{"name": "c", "baseline": True}]}, {"baseline": {"row": "a"}}):
        both = {**file, **second, "arm": [*file["arm"], *second.get("arm", [])]}
        with pytest.raises(InputError, match="more than one is named"):
            parse_sweep(both, "some.toml")


def test_an_arm_that_names_a_preset_keeps_the_machine_of_the_recipe_only() -> None:
    file = changed("recipe", {"train": {"gpus": 2, "steps": 7}, "eval": {"gpus": 1, "lr": 0.5, "chunk": 64}})
    spec = parse_sweep(file, "some.toml")
    lora, plain = (arm.recipe for arm in spec.arms)
    assert (lora.eval.gpus, lora.eval.lr, lora.eval.chunk) == (1, 0.01, 256)
    assert (plain.eval.gpus, plain.eval.lr, plain.eval.chunk) == (1, 0.5, 64)
    assert lora.train == plain.train == spec.recipe.train
    assert (spec.recipe.train.steps, spec.recipe.train.max_seconds) == (7, None)


def written(folder: Path, text: str) -> Path:
    path = folder / "my sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


TOML = """
name = "x"
data.tokens = "demo"
seeds.confirm = [3]
recipe.eval = { preset = "chimera-611", lr = 0.5, gpus = 2 }
"""


def test_assignments_go_on_top_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, TOML)
    spec = load_sweep(path, ["eval.epochs=2", "name=y", "seeds.confirm=[5, 6]", "budget.gpu_hours=3.5"])
    assert (spec.name, spec.seeds.confirm, spec.budget.gpu_hours) == ("y", (5, 6), 3.5)
    assert (spec.recipe.eval.protocol, spec.recipe.eval.lr, spec.recipe.eval.epochs) == ("min-epoch", 0.5, 2)
    preset = load_sweep(path, ["eval.preset=lora-ttt"]).recipe.eval
    assert (preset.protocol, preset.lr, preset.gpus) == ("score-first", 0.01, 2)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("evals.lr=1", "evals: unknown key"),
        ("eval.lrr=1", "eval.lrr: unknown key; did you mean eval.lr?"),
        ("eval.lr=fast", "eval.lr = 'fast'"),
        ("eval=fast", "eval = 'fast'; expected a table"),
        ("eval.lr=", "eval.lr = ''"),
        ("seeds.confirm=3", "seeds.confirm = 3"),
        ("eval.preset=chimera", "did you mean chimera-611?"),
    ],
)
def test_a_wrong_assignment_is_named(tmp_path: Path, assignment: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        load_sweep(written(tmp_path, TOML), [assignment])
    assert words in str(error.value)
    assert "my sweep.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_date_or_a_number_that_json_lacks_is_refused_like_any_wrong_value() -> None:
    assert "eval.lr = nan" in refusal("recipe/eval/lr", float("nan"))
    assert "eval.lr = inf" in refusal("recipe/eval/lr", float("inf"))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        pytest.param("arm/0/seeds", 3, "seeds = 3"),
        pytest.param("arm/0/seeds", [3, 3], "seeds"),
        pytest.param("arm/0/name", "trial 0", "trial 0"),
        pytest.param("baseline", {"row": "zebra"}, "known are a, b"),
        pytest.param("baseline", {"mean": float("nan")}, "baseline.mean"),
        pytest.param("baseline", {"mean": 1.0, "std": -1.0, "n": 3}, "baseline.std"),
        pytest.param("baseline", {"row": "a", "mean": 1.0}, "baseline"),
        pytest.param("budget", {"gpu_hours": float("inf")}, "budget.gpu_hours"),
        pytest.param("recipe/eval/multipliers", {"q": [1.0, 2.0]}, "eval.multipliers.q"),
        pytest.param("a\nb", 1, "unknown key"),
        pytest.param("search/first", [{"eval": {"lr": [0.1]}}], "eval.lr"),
        pytest.param("search/first", [{"eval": {"lr": float("nan")}}], "eval.lr"),
    ],
)
def test_what_would_fail_or_mislead_later_is_refused_at_once(path: str, value: Any, words: str) -> None:
    assert words in refusal(path, value)


@pytest.mark.parametrize("missing", [{"search": None}, {"confirm": {"top": 0}}])
def test_report_seeds_need_a_trial_to_measure(missing: dict[str, Any]) -> None:
    file = {**FILE, "arm": [], "seeds": {**FILE["seeds"], "report": [9]}, **missing}
    with pytest.raises(InputError, match=r"seeds\.report: no trial to measure; report seeds need a search"):
        parse_sweep({name: value for name, value in file.items() if value is not None}, "some.toml")


def test_an_arm_uses_no_seed_of_the_report() -> None:
    file = {**FILE, "seeds": {**FILE["seeds"], "report": [9]}}
    with pytest.raises(InputError, match="seeds: 9"):
        parse_sweep(file, "some.toml")


def test_a_promotion_scores_no_more_documents_than_are_held_out() -> None:
    search = {"trials": 4, "documents": 8, "space": LR, "promote": {"top": 2, "documents": 64}}
    file = {**FILE, "data": {"tokens": "/shards", "tokenizer": "x.model", "tuning_documents": 32}, "search": search}
    with pytest.raises(InputError, match=r"search\.promote\.documents = 64"):
        parse_sweep(file, "some.toml")


def test_an_assignment_on_a_recipe_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "x"\ndata.tokens = "demo"\nseeds.confirm = [3]\nrecipe = 3\n')
    with pytest.raises(InputError, match="recipe = 3"):
        load_sweep(path, ["eval.lr=0.1"])


def problems(file: dict[str, Any]) -> list[str]:
    """Every line that refuses a file, without the file's name."""
    with pytest.raises(InputError) as error:
        parse_sweep(file, "some.toml")
    lines = str(error.value).split("\n")
    assert tuple(lines) == error.value.problems
    assert all(line.startswith("some.toml: ") for line in lines)
    return [line.removeprefix("some.toml: ") for line in lines]


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    file = changed("recipe", {"eval": {"epoch": 2, "lr": -1}, "quantize": {"bits": 0}, "evel": {}})
    file |= {"seedz": {}, "priority": "high", "confirm": {"tpo": 3}}
    file["arm"] = [{"name": "a", "eval": {"preset": "lora-tt"}}, {"name": "b", "train": {"steps": 0}}]
    lines = problems(file)
    expected = [
        "confirm.tpo: unknown key; did you mean confirm.top?",
        "seedz: unknown key; did you mean seeds?",
        "priority = 'high': input should be a valid integer",
        "evel: unknown key; did you mean eval?",
        "quantize.bits = 0: ",
        "eval.epoch: unknown key; did you mean eval.epochs?",
        "eval.lr = -1.0: must be above 0",
        "arm \"a\": eval.preset = 'lora-tt': no such preset; did you mean lora-ttt?",
        'arm "b": train.steps = 0: ',
    ]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected


def test_problems_between_sections_are_reported_at_once() -> None:
    space = {"eval.lrr": LR["eval.lr"], "eval.epochs": {"low": 3, "high": 1}, "eval.chunk": [256]}
    file = changed("search", {"trials": 1, "documents": 8, "space": space})
    file["arm"] = [{"name": "a", "seeds": [1], "baseline": "yes"}, {"name": "a", "evil": 1}]
    file |= {"baseline": {"row": "zebra"}, "budget": {"dollars": 3}, "seeds": {"tune": [1, 3], "confirm": [3]}}
    assert problems(file) == [
        "seeds.confirm: 3 is in seeds.tune already; use each seed once",
        "budget.dollars: cannot be checked; set budget.dollars_per_gpu_hour, the price of one slot and hour",
        "confirm.top = 2: there are only 1 trials",
        "arm \"a\": baseline = 'yes'; expected true or false",
        'arm "a": seeds: 1 is in seeds.tune too; confirm an arm on fresh seeds',
        'arm "a": there are two arms of this name; rename one',
        'arm "a": evil: unknown key; did you mean eval?',
        "baseline.row = 'zebra': no such arm; known are a, a",
        "search.space.eval.lrr: unknown key; did you mean eval.lr, eval.ranks or eval.alpha?",
        'search.space."eval.epochs": low = 3, high = 1; expected low < high, and low > 0 with log = true',
    ]


def test_a_misspelled_key_is_one_problem_and_a_wrong_value_of_a_union_too() -> None:
    assert problems(changed("search/promote", {"top": 2, "document": 3})) == [
        "search.promote.document: unknown key; did you mean search.promote.documents?"
    ]
    [line] = problems(changed("recipe", {"eval": {"multipliers": {"q": ["high"]}}}))
    assert line.startswith("eval.multipliers.q")


def test_an_arm_does_not_repeat_what_is_wrong_with_the_recipe() -> None:
    file = changed("recipe", {"train": {"step": 5}})
    file["arm"] = [{"name": "a"}, {"name": "b", "eval": {"epoch": 1}}]
    assert problems(file) == [
        "train.step: unknown key; did you mean train.steps?",
        'arm "b": eval.epoch: unknown key; did you mean eval.epochs?',
    ]


def test_an_error_tells_what_is_wrong_from_what_would_be_right() -> None:
    with pytest.raises(InputError) as error:
        parse_sweep(changed("search/trails", 3) | {"name": "a; b"}, "some.toml")
    assert error.value.error.splitlines()[0] == "some.toml: search.trails: unknown key"
    assert error.value.hint.splitlines()[0] == "did you mean search.trials?"
    assert InputError("no semicolon").hint == ""


def test_seeds_that_are_only_trained_have_room_after_the_largest() -> None:
    file = changed("confirm/train_only", 2)
    file["arm"][1]["seeds"] = [MOST_SEED - 2]
    parse_sweep(file, "x")
    file["arm"][1]["seeds"] = [MOST_SEED - 1]
    with pytest.raises(InputError) as refused:
        parse_sweep(file, "x")
    assert refused.value.problems == (
        f"x: confirm.train_only = 2: takes the seeds after {MOST_SEED - 1}; name none above {MOST_SEED - 2}",
    )


def test_a_change_hides_no_wrong_key_that_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        'name = "x"\ndata.tokens = "demo"\nseeds.confirm = [1]\narm = [{name = "a"}]\n[recipe]\nbits = 5\neval = 3\n'
    )
    for changes in ([], ["recipe.train.steps=3"], ["train.steps=3"], ["quantize.preset=none"]):
        with pytest.raises(InputError) as refused:
            load_sweep(path, changes)
        assert any(f"{path}: bits: unknown key" in line for line in refused.value.problems), changes
        assert any("eval = 3" in line for line in refused.value.problems), changes
