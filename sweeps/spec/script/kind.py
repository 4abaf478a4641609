"""A sweep of a participant's script: recipes, arms, trials and stages made of its file's tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from golf.errors import InputError, shown
from jobs.scripts.run import LAST_SCORE
from jobs.stages.pipeline import Pipeline
from jobs.stages.script import PREFIX, ScriptStage, script_stage
from jobs.stages.script_audit import script_audit
from jobs.stages.stage import Stage
from sweeps.contests.contest import Contest
from sweeps.spec.checks.problems import Problems
from sweeps.spec.script import space as spaces
from sweeps.spec.script.environment import (
    Layers,
    env_problems,
    environment_of,
    placeholder_problems,
    texts_of,
)
from sweeps.spec.script.recipe import ScriptRecipe, StageSettings
from sweeps.spec.script.sections import ScriptTables, read_tables
from sweeps.spec.script.stages import (
    ARTIFACT,
    Sources,
    maker_of_artifact,
    read_graph,
    roles_before,
    roles_read,
    scored_stage,
    scorer_problems,
    stage_problems,
)
from sweeps.spec.settings import Settings, unknown
from sweeps.spec.space import Parameter

CHANGED = ("env", "patch")
"""Keys of [script] that an arm may change, beside the `env` of each stage."""


@dataclass(frozen=True)
class ScriptKind:
    """Makes recipes of a script's environment."""

    base: Settings
    """{"script": the file's table}"""
    tables: ScriptTables
    sources: Sources
    scored: str
    """The stage whose metric is the score."""
    contest: Contest
    """Gives the metric and the limit of bytes that the file leaves out."""
    arm_keys: tuple[str, ...] = ("script",)

    @classmethod
    def read(cls, script: Settings, proxy: Settings | None, where: str, contest: Contest) -> "ScriptKind":
        """Check [script] and [search.proxy].

        Raises:
            InputError: everything that is wrong with them.
        """
        tables, problems = read_tables(script, proxy, where), Problems()
        sources = read_graph(tables.stages, where)
        problems.add(f"{where}: {problem}" for problem in stage_problems(tables, sources))
        problems.add(f"{where}: {problem}" for problem in scorer_problems(tables, sources))
        problems.add(f"{where}: {problem}" for problem in _env_problems(tables))
        problems.check()
        scored = scored_stage(tables.stages)
        return cls(base={"script": script}, tables=tables, sources=sources, scored=scored, contest=contest)

    @property
    def inner_keys(self) -> Iterable[str]:
        return ("script.env", "script.patch", *(f"script.{stage}.env" for stage in self.tables.stages))

    @cached_property
    def layers(self) -> Layers:
        """The file's own environments."""
        own = {name: texts_of(stage.env) for name, stage in self.tables.stages.items()}
        return {"": texts_of(self.tables.script.env), **own}

    @cached_property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Roles of earlier outputs that each stage reads."""
        return {name: roles_read(name, self.tables, self.sources) for name in self.sources}

    def build(self, changes: Settings, where: str) -> ScriptRecipe:
        change = changes.get("script", {})
        if problems := [f"{where}: {problem}" for problem in self._change_problems(change)]:
            raise InputError(*problems)
        over = {name: texts_of(change.get(name, {}).get("env", {})) for name in self.sources}
        layers = lay_over(self.layers, {"": texts_of(change.get("env", {})), **over})
        return self.recipe_of(layers, change.get("patch", self.tables.script.patch), where)

    def recipe_of(self, layers: Layers, patch: str | None, where: str) -> ScriptRecipe:
        """The recipe of some environments.

        Raises:
            InputError: a value names a placeholder that means nothing in its stage.
        """
        proxy, proxies = self.tables.proxy, self.tables.stage_proxies
        over = {name: texts_of(stage.env) for name, stage in proxies.items()}
        cheap = lay_over(layers, {"": {} if proxy is None else texts_of(proxy.env), **over})
        problems, made = Problems(), []
        for form in (layers, cheap):
            stages = []
            for name in self.sources:
                env = environment_of(name, form, self.sources)
                problems.add(
                    f"{where}: {line}" for line in placeholder_problems(env, self.roles[name], f"script.{name}.env")
                )
                stages.append(
                    StageSettings(name=name, gpus=self._gpus(name, form is cheap), env=tuple(sorted(env.items())))
                )
            made.append(tuple(stages))
        if problems.lines:
            raise InputError(*dict.fromkeys(problems.lines))
        return ScriptRecipe(patch=patch, stages=made[0], trials=made[1])

    def parse_space(self, space: Settings, where: str) -> dict[str, Parameter]:
        parameters = spaces.parse_space(space, self, where)
        for point in spaces.points(parameters):
            self.trial(parameters, point, f"{where}: search.space")
        return parameters

    def resolve(self, space: Mapping[str, Parameter], given: Settings, where: str) -> dict[str, Any]:
        return spaces.resolve(space, given, self, where)

    def trial(self, space: Mapping[str, Parameter], parameters: Mapping[str, Any], where: str) -> ScriptRecipe:
        layers = lay_over(self.layers, spaces.layers_of(space, parameters))
        return self.recipe_of(layers, self.tables.script.patch, where)

    def widest(self, space: Mapping[str, Parameter]) -> int:
        return 0

    def pipeline(self, own: tuple[Stage, ...]) -> Pipeline:
        stages: list[Stage] = [self._stage(name) for name in self.sources]
        if (maker := self._artifact_maker) is not None:
            stages.append(self._audit(maker))
        return Pipeline((*stages, *own), scored=PREFIX + self.scored)

    @property
    def is_audited(self) -> bool:
        """Whether its entries are audited: the file names a scorer."""
        return self._artifact_maker is not None

    @property
    def _artifact_maker(self) -> str | None:
        """The stage whose artifact is audited; None where the file names no scorer."""
        return None if self.tables.script.score is None else maker_of_artifact(self.tables, self.sources)

    def _audit(self, maker: str) -> Stage:
        script = self.tables.script
        definition = {
            "score": script.score,
            "scored": self.scored,
            "maker": maker,
            "artifact": self.tables.stages[maker].out[ARTIFACT],
            **self._files,
        }
        return script_audit(definition, self._interpreter)

    @property
    def _files(self) -> dict[str, Any]:
        """Names of the script and of the files beside it, as settings of a job."""
        script = self.tables.script
        return {"file": script.file.rpartition("/")[2], "files": [path.rpartition("/")[2] for path in script.files]}

    @property
    def _interpreter(self) -> dict[str, Any]:
        """What runs the script, as conditions of a job."""
        script = self.tables.script
        return {
            "python": script.python,
            "pass": list(script.passed),
            "setup": list(script.setup),
            "needs": list(script.needs),
        }

    @property
    def _default_metric(self) -> str:
        """The metric of the scored stage where the file names none."""
        return self.contest.log.metric or LAST_SCORE if self.contest.log is not None else LAST_SCORE

    @property
    def limit_bytes(self) -> int | None:
        """Most bytes of artifact and code; None where the file does not want them judged."""
        named = [stage.limit_bytes for stage in self.tables.stages.values() if stage.limit_bytes is not None]
        limit = named[-1] if named else self.contest.limits.bytes
        return limit or None

    def breach(self, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        known = [made for made in outputs.values() if isinstance(made.get("artifact"), str) and "bytes" in made]
        sizes = [made["bytes"]["artifact"] + made["bytes"]["code"] for made in known]
        if not sizes or self.limit_bytes is None or sizes[-1] <= self.limit_bytes:
            return None
        return f"artifact and code have {sizes[-1]:,} bytes, over limit_bytes = {self.limit_bytes:,}"

    def fixed_in_trials(self, stage: str, variable: str) -> str | None:
        """The proxy's table that goes on top of a trial's own value of a variable; None where there is none.

        Args:
            stage: whose table the trial's value is in; "" for that of all stages.
            variable: its name.
        """
        if stage:
            proxy, table = self.tables.stage_proxies.get(stage), f"search.proxy.{stage}.env"
        else:
            proxy, table = self.tables.proxy, "search.proxy.env"
        return table if proxy is not None and variable in proxy.env else None

    def _gpus(self, stage: str, cheap: bool) -> int:
        own, general = self.tables.stage_proxies.get(stage), self.tables.proxy
        narrower = [proxy.gpus for proxy in (own, general) if cheap and proxy is not None and proxy.gpus is not None]
        return narrower[0] if narrower else self.tables.stages[stage].gpus

    def _stage(self, name: str) -> ScriptStage:
        section, script = self.tables.stages[name], self.tables.script
        owners = roles_before(name, self.tables.stages, self.sources)
        files = {role: self.tables.stages[owners[role]].out[role] for role in self.roles[name]}
        return script_stage(
            name,
            {
                **self._files,
                "launch": script.launch,
                "args": list(script.args),
                "in": {role: owners[role] for role in self.roles[name]},
                "keep": {role: files[role] for role in section.keep},
                "present": {role: file for role, file in files.items() if role not in section.keep},
                "outputs": dict(section.out),
                "metric": section.metric or (self._default_metric if name == self.scored else None),
            },
            {
                **self._interpreter,
                "max_seconds": section.max_seconds,
                "silent_seconds": section.silent_seconds,
            },
            scored=name == self.scored,
        )

    def _change_problems(self, change: Any) -> Iterator[str]:
        """A line for each thing that is wrong with what an arm changes."""
        if not isinstance(change, Mapping):
            yield f"script = {shown(change)}; expected a table, such as script.env = {{…}}"
            return
        patch = change.get("patch")
        if patch is not None and (not isinstance(patch, str) or not patch):
            yield f"script.patch = {shown(patch)}; expected the path of a diff"
        if "env" in change:
            yield from env_problems(change["env"], "script.env")
        for name, value in change.items():
            if name in CHANGED:
                continue
            if name not in self.sources:
                yield unknown(f"script.{name}", [f"script.{key}" for key in (*CHANGED, *self.sources)])
            elif not isinstance(value, Mapping) or set(value) - {"env"}:
                yield f"script.{name} = {shown(value)}; an arm changes a stage's env alone"
            else:
                yield from env_problems(value["env"], f"script.{name}.env")


def lay_over(below: Layers, above: Layers) -> Layers:
    """Environments with others on top, table by table."""
    return {
        name: {**below.get(name, {}), **above.get(name, {})} for name in (*below, *(n for n in above if n not in below))
    }


def _env_problems(tables: ScriptTables) -> Iterator[str]:
    yield from env_problems(tables.script.env, "script.env")
    for name, stage in tables.stages.items():
        yield from env_problems(stage.env, f"script.{name}.env")
    if tables.proxy is not None:
        yield from env_problems(tables.proxy.env, "search.proxy.env")
    for name, proxy in tables.stage_proxies.items():
        yield from env_problems(proxy.env, f"search.proxy.{name}.env")
