"""[script]: its stages as a graph, environments laid over one another, and everything wrong said at once."""

from collections.abc import Mapping
from typing import Any

import pytest

from golf.errors import InputError
from sweeps.spec.file import SweepSpec, parse_sweep
from sweeps.spec.script.recipe import ScriptRecipe, StageSettings

TRAIN: dict[str, Any] = {"gpus": 8, "out": {"weights": "final_model.pt", "artifact": "model.ptz"}, "env": {"TTT": 1}}
EVAL: dict[str, Any] = {
    "from": "train",
    "keep": ["artifact"],
    "gpus": 4,
    "env": {"ITERATIONS": 0},
    "metric": "final_ttt_exact",
}
SCRIPT: dict[str, Any] = {
    "file": "train_gpt.py",
    "env": {"SEED": "{seed}", "ITERATIONS": 20000, "WIDTH": 512},
    "train": TRAIN,
    "eval": EVAL,
}


def spec_of(script: Mapping[str, Any] | None = None, **changes: Any) -> SweepSpec:
    file = {
        "name": "own",
        "data": {"tokens": "demo"},
        "script": SCRIPT if script is None else script,
        "seeds": {"tune": [1], "confirm": [2, 3]},
        **changes,
    }
    return parse_sweep(file, "own.toml")


def problems(script: Mapping[str, Any] | None = None, **changes: Any) -> str:
    with pytest.raises(InputError) as refusal:
        spec_of(script, **changes)
    return "\n".join(refusal.value.problems)


def stage(recipe: Any, name: str, *, trial: bool = False) -> StageSettings:
    assert isinstance(recipe, ScriptRecipe)
    return next(stage for stage in (recipe.trials if trial else recipe.stages) if stage.name == name)


def env(recipe: Any, name: str, *, trial: bool = False) -> dict[str, str]:
    return dict(stage(recipe, name, trial=trial).env)


def test_a_later_stage_has_the_environment_of_those_before_unless_it_overrides_it() -> None:
    recipe = spec_of().recipe
    assert env(recipe, "train") == {"ITERATIONS": "20000", "SEED": "{seed}", "TTT": "1", "WIDTH": "512"}
    assert env(recipe, "eval") == {"ITERATIONS": "0", "SEED": "{seed}", "TTT": "1", "WIDTH": "512"}


def test_values_become_text_as_a_shell_would_write_them() -> None:
    values = {"A": True, "B": False, "C": 3, "D": 3e-5, "E": 0.1, "F": "x y", "G": 3.0}
    given = env(spec_of({**SCRIPT, "env": values}).recipe, "train")
    assert {name: given[name] for name in values} == {
        "A": "1", "B": "0", "C": "3", "D": "3e-05", "E": "0.1", "F": "x y", "G": "3.0",
    }  # fmt: skip


def test_arms_lay_their_tables_over_the_files_and_what_a_stage_sets_itself_stands() -> None:
    arms = [
        {"name": "wide", "baseline": True, "script": {"env": {"WIDTH": 768, "ITERATIONS": 9}}},
        {"name": "long", "script": {"eval": {"env": {"TTT": 8}}, "patch": "no_smear.diff"}},
    ]
    wide, long = (arm.recipe for arm in spec_of(arm=arms).arms)
    assert (env(wide, "train")["WIDTH"], env(wide, "eval")["WIDTH"]) == ("768", "768")
    assert (env(wide, "train")["ITERATIONS"], env(wide, "eval")["ITERATIONS"]) == ("9", "0")
    assert (env(long, "train")["TTT"], env(long, "eval")["TTT"]) == ("1", "8")
    assert isinstance(long, ScriptRecipe) and long.patch == "no_smear.diff"


def test_a_proxy_counts_for_trials_alone() -> None:
    search = {
        "trials": 2,
        "space": {"script.env.WIDTH": [256, 512]},
        "proxy": {"gpus": 1, "env": {"ITERATIONS": 1500}, "eval": {"gpus": 2}},
    }
    recipe = spec_of(search=search, confirm={"top": 1}).recipe
    assert isinstance(recipe, ScriptRecipe)
    assert [(run.gpus, dict(run.env)["ITERATIONS"]) for run in recipe.stages] == [(8, "20000"), (4, "0")]
    assert [(run.gpus, dict(run.env)["ITERATIONS"]) for run in recipe.for_trials().stages] == [(1, "1500"), (2, "0")]
    assert recipe.for_trials().for_trials() == recipe.for_trials()


def test_stages_follow_those_that_they_come_from_and_read_what_they_keep_or_name() -> None:
    quantize = {"from": ["train"], "out": {"artifact": "model.ptz"}, "env": {"LOAD": "{in.weights}"}}
    evaluate = {"from": "quantize", "keep": ["artifact"], "metric": r"bpb (\d\.\d+)"}
    last = {"from": ["train"]}
    script = {
        "file": "a/b/t.py", "eval": evaluate, "quantize": quantize, "last": last,
        "train": {"out": {"weights": "w.pt", "extra": "e.json"}},
    }  # fmt: skip
    pipeline = spec_of(script).pipeline()
    reads = {
        stage.title: {name: (source.stage, source.output) for name, source in stage.reads.items()} for stage in pipeline
    }
    assert reads == {
        "train": {},
        "quantize": {"in:weights": ("script.train", "weights")},
        "eval": {  # it inherits LOAD, whose file it then needs, too
            "in:artifact": ("script.quantize", "artifact"),
            "in:weights": ("script.train", "weights"),
        },
        "last": {"in:weights": ("script.train", "weights"), "in:extra": ("script.train", "extra")},
    }
    assert pipeline.scored.name == "script.eval"
    assert [stage.title for stage in pipeline.scoring()] == ["train", "quantize", "eval"]


def test_of_several_stages_before_the_first_that_is_named_counts_for_values_and_outputs() -> None:
    last = {"from": ["a", "b"], "keep": ["x"], "metric": "m"}
    script = {
        "file": "t.py", "a": {"out": {"x": "a.pt"}, "env": {"K": "a"}},
        "b": {"out": {"x": "b.pt"}, "env": {"K": "b", "L": "b"}}, "c": last,
    }  # fmt: skip
    spec = spec_of(script)
    assert env(spec.recipe, "c") == {"K": "a", "L": "b"}
    assert spec.pipeline()["script.c"].reads["in:x"].stage == "script.a"


def test_without_any_metric_the_last_stage_is_scored() -> None:
    script = {"file": "t.py", "train": {"out": {"artifact": "a"}}, "eval": {"from": "train", "keep": ["artifact"]}}
    assert spec_of(script).pipeline().scored.name == "script.eval"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({**SCRIPT, "fiel": "x"}, "own.toml: script.fiel: unknown key; did you mean file"),
        ({**SCRIPT, "evn": {"A": "1"}}, "own.toml: script.evn: unknown key; did you mean env?"),
        ({**SCRIPT, "settings": {"LR": 1}}, "own.toml: script.settings: unknown key; did you mean env?"),
        ({**SCRIPT, "train": {"out": {"metric": "x"}}}, "own.toml: script.train.out.metric = 'metric': not a role; "),
        ({**SCRIPT, "train": {**TRAIN, "stop_if": {}}}, "own.toml: script.train.stop_if: unknown key; known are from"),
        ({**SCRIPT, "train": {**TRAIN, "gpu": 1}}, "own.toml: script.train.gpu: unknown key; did you mean gpus?"),
        ({**SCRIPT, "eval": {**EVAL, "from": "trian"}}, "own.toml: script.eval.from = 'trian': no such stage; did you"),
        ({**SCRIPT, "train": {**TRAIN, "from": "eval"}}, "from: a circle: "),
        (
            {**SCRIPT, "eval": {**EVAL, "keep": ["weight"]}},
            "script.eval.keep: 'weight': no stage before it leaves that",
        ),
        ({**SCRIPT, "eval": {**EVAL, "metric": r"(a)(b)"}}, "script.eval.metric = '(a)(b)': "),
        ({**SCRIPT, "env": {"A-B": 1}}, "own.toml: script.env.A-B: not a name of an environment variable"),
        ({**SCRIPT, "env": {"A": [1]}}, "own.toml: script.env.A = [1]; expected text, a number, true or false"),
        ({**SCRIPT, "env": {"A": "{datta}"}}, "script.train.env.A: {datta}: nothing of that name; known are {data},"),
        ({**SCRIPT, "env": {"GOLFSWEEP_X": "1"}}, "script.env.GOLFSWEEP_X: names that begin with GOLFSWEEP_"),
        (
            {**SCRIPT, "train": {**TRAIN, "out": {"a": "../x"}}},
            "script.train.out.a = '../x': not a file of the script's",
        ),
        ({**SCRIPT, "train": {**TRAIN, "out": {"log": "x"}}}, "not a role"),
        ({**SCRIPT, "train": {**TRAIN, "out": {"a": "x", "b": "x"}}}, "script.train.out: two roles for x"),
        (
            {
                **SCRIPT,
                "train": {**TRAIN, "out": {"a": "m.pt"}},
                "two": {"out": {"b": "m.pt"}},
                "eval": {
                    "from": ["train", "two"],
                    "metric": "x",
                },
            },
            "script.eval.from: two outputs are called m.pt; name those that it needs",
        ),
        (
            {**SCRIPT, "eval": {**EVAL, "out": {"again": "model.ptz"}}},
            "script.eval.out: model.ptz is kept, so what the script writes there goes aside",
        ),
        (
            {**SCRIPT, "train": {**TRAIN, "out": {"artifact": "train_gpt.py"}}},
            "script.train: train_gpt.py is a file of the script",
        ),
        ({**SCRIPT, "args": ["{seed}", "{sed}"]}, "script.args: {sed}: stage train has nothing of that name"),
        ({**SCRIPT, "args": ["{in.artifact}"]}, "script.args: {in.artifact}: stage train has nothing of that name"),
        ({"file": "t.py"}, "own.toml: script: no stage; add one, such as [script.train]"),
        ({"train": TRAIN}, "own.toml: script.file: missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_and_what_would_be_right(script: dict[str, Any], expected: str) -> None:
    assert expected in problems(script)


def test_all_problems_come_at_once() -> None:
    wrong = {**SCRIPT, "files": 3, "train": {**TRAIN, "gpus": 0}, "eval": {**EVAL, "kep": ["artifact"]}}
    found = problems(wrong, arm=[{"name": "a", "script": {"train": {"gpus": 2}}}])
    assert all(key in found for key in ("script.files", "script.train.gpus", "script.eval.kep"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"recipe": {"train": {"gpus": 1}}}, "recipe: a file has either [recipe] or [script]; leave one out"),
        ({"search": {"trials": 1, "documents": 4, "space": {"script.env.A": [1, 2]}}}, "search.documents: a script's"),
        ({"confirm": {"train_only": 1}}, "confirm.train_only: a script's score before quantization is not known"),
        ({"audit": {"seconds": 3.0}}, "audit: a script is audited only if script.score names its scorer"),
        (
            {"arm": [{"name": "a", "script": {"train": {"gpus": 2}}}]},
            "script.train = {'gpus': 2}; an arm changes a stage",
        ),
        (
            {"arm": [{"name": "a", "script": {"trian": {"env": {}}}}]},
            'arm "a": script.trian: unknown key; did you mean',
        ),
        ({"arm": [{"name": "a", "eval": {"lr": 1}}]}, 'arm "a": eval: unknown key'),
        (
            {"data": {"tokens": "demo", "tuning_documents": 3}},
            'data.tuning_documents: only data.validation = "holdout"',
        ),
    ],
)
def test_a_script_has_nothing_of_our_own_recipe(changes: dict[str, Any], expected: str) -> None:
    assert expected in problems(**changes)


def test_a_recipe_has_no_proxy_and_no_holdout() -> None:
    file = {
        "name": "own", "data": {"tokens": "demo", "validation": "holdout"}, "seeds": {"tune": [1], "confirm": [2]},
        "search": {"trials": 1, "documents": 2, "space": {"eval.lr": [1e-3, 1e-2]}, "proxy": {"gpus": 1}},
        "confirm": {"top": 1},
    }  # fmt: skip
    with pytest.raises(InputError) as refusal:
        parse_sweep(file, "own.toml")
    found = "\n".join(refusal.value.problems)
    assert "search.proxy: only a script has one" in found and "data.validation" in found


AUDITED = {**SCRIPT, "files": ["lib/my_scorer.py"], "score": "my_scorer.py:score"}


def test_a_named_scorer_adds_an_audit_that_reads_the_artifact_of_the_scored_stage() -> None:
    audit = spec_of(AUDITED, audit={"seconds": 5}).pipeline()["audit"]
    assert {name: (source.stage, source.output) for name, source in audit.reads.items()} == {
        "artifact": ("script.train", "artifact")
    }
    assert [stage.name for stage in spec_of().pipeline()] == ["script.train", "script.eval"]
    alone = {"file": "t.py", "score": "t.py:score", "run": {"out": {"artifact": "m.bin"}, "metric": "final_x"}}
    assert spec_of(alone).pipeline()["audit"].reads["artifact"].stage == "script.run"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": "my_scorer:score"}, "script.score = 'my_scorer:score': expected FILE.py:FUNCTION"),
        ({"score": "my_scorr.py:score"}, "is none of the script's files; did you mean my_scorer.py?"),
        ({"eval": {**EVAL, "keep": ["artifact", "weights"]}}, "script.eval reads weights beside the artifact"),
        ({"train": {**TRAIN, "out": {}}, "eval": {"metric": "final_x"}}, "neither makes nor reads a role artifact"),
    ],
)
def test_a_scorer_that_could_not_be_audited_is_refused(change: Mapping[str, Any], words: str) -> None:
    assert words in problems({**AUDITED, **change})


def test_a_scorer_needs_the_text_of_the_tokens_and_a_contest_that_is_judged_by_it() -> None:
    assert "give data.tokenizer" in problems(AUDITED, data={"tokens": "/data"})
    assert "is judged by what runs printed" in problems(AUDITED, contest="modded-nanogpt-3")
    assert "name it, or leave audit out" in problems(audit={"seconds": 5})
