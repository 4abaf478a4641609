"""A sweep as it was resolved on its first day: its file, its data and the machine class, enough to read it anywhere."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from golf.entry.bundle import Script, bundle
from golf.errors import InputError
from jobs.spec import Machine
from jobs.state import JobState
from sweeps.board.rules import Published
from sweeps.driver.driver import Driver
from sweeps.driver.driver_store import DriverStore
from sweeps.driver.trials import search_digest
from sweeps.entries.facts import SweepFacts
from sweeps.spec.dataset import DataSet
from sweeps.spec.file import SweepSpec, parse_sweep
from sweeps.spec.orders import OrderBook
from sweeps.spec.recipe import Recipe
from sweeps.spec.script.code import ScriptCode
from sweeps.spec.script.data import ScriptData
from sweeps.spec.script.defaults import with_defaults
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.sections import BaselineSection


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """Everything from which a sweep's jobs follow."""

    spec: SweepSpec
    data: DataSet | ScriptData
    machine: Machine
    code: ScriptCode | None = None
    """The files of its script; None for our own recipe."""

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        data = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self.data).items()}
        return {
            "file": dict(self.spec.source),
            "data": data,
            "machine": asdict(self.machine),
            **({} if self.code is None else {"code": self.code.to_json()}),
            "board": self.facts().to_json(),
        }

    def facts(self) -> SweepFacts:
        """What a leaderboard needs to know of it."""
        search, given = self.spec.search, self.spec.baseline
        baseline: str | Published | None
        if isinstance(given, BaselineSection):
            assert given.mean is not None
            baseline = Published(mean=given.mean, std=given.std, n=given.n)
        else:
            baseline = given
        return SweepFacts(
            name=self.spec.name,
            contest=self.spec.contest,
            rules=self.spec.rules,
            baseline=baseline,
            search=None if search is None else search_digest(self.spec, self.orders()),
            trials=0 if search is None else search.section.trials,
            given_trials=0 if search is None else len(search.first),
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Sweep":
        """Read back what `to_json` gave.

        Raises:
            InputError: another version of golfsweep wrote it, and this one does not understand it.
        """
        name = stored.get("file", {}).get("name")
        try:
            spec, data = parse_sweep(stored["file"], f"sweep {name}"), stored["data"]
            machine = Machine(**stored["machine"])
            if isinstance(spec.kind, ScriptKind):
                code = ScriptCode.from_json(stored["code"])
                return cls(spec=with_defaults(spec, code), data=ScriptData.from_json(data), machine=machine, code=code)
            paths = {"tokens": Path(data["tokens"]), "tokenizer": Path(data["tokenizer"])}
            return cls(spec=spec, data=DataSet(**data | paths), machine=machine)
        except (KeyError, TypeError) as error:
            raise InputError(f"sweep {name}: written by another version of golfsweep ({error}); run it again") from None

    def driver(self, store: DriverStore, *, read_only: bool = False) -> Driver:
        """The driver that orders this sweep's jobs, those that wait or failed once more, or only follows them."""
        states = [JobState.QUEUED, JobState.FAILED, JobState.CANCELLED]
        known = [] if read_only else store.jobs(sweep=self.spec.name, states=states)
        retry = [job.key for job in known if not job.is_usable]
        return Driver(spec=self.spec, store=store, orders=self.orders(), read_only=read_only, retry=retry)

    def orders(self) -> OrderBook:
        """What makes this sweep's orders."""
        return OrderBook(
            sweep=self.spec.name,
            priority=self.spec.priority,
            data=self.data,
            machine=self.machine,
            options={**self.spec.options, **self._script_options()},
        )

    def _script_options(self) -> dict[str, Any]:
        """What the stages of a script need to know beside a recipe."""
        if self.code is None:
            return {}
        assert isinstance(self.data, ScriptData)
        data = {split: self.data.of_split(split) for split in ("tune", "val")}
        return {"script": {**self.code.to_json(), "data": data}}

    def script(self, row: str, recipe: Recipe) -> Script:
        """The self-contained script that a row of this recipe is submitted as."""
        settings = recipe.settings() | {"holdout_documents": self.data.tuning_documents}
        return bundle(f"{self.spec.name}/{row}", settings)

    def widest(self) -> int:
        """Slots of the widest job, of any trial, too."""
        return self.spec.widest()
