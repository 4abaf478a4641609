"""The audit of a script's scorer as the program of a gang: one process that judges, and starts the scorer's own."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from golf.errors import InputError
from golf.files import write_atomically
from jobs.events import Failed, Failure, Finished
from jobs.program import GangEnd, Program
from jobs.scripts.environment import node_environment
from jobs.scripts.place import put_code, values_of
from jobs.scripts.placeholders import fill
from jobs.scripts.run import ScriptRun
from jobs.spec import Order
from jobs.stages.work.gang_folder import read_errors, write_order

RUN, SCORER, RESULT = "run", "scorer.json", "certificate.json"
"""Of an attempt's folder: the scorer's folder, how it is started, and the certificate."""
JUDGE = "jobs.stages.work.script_judge"
"""The module that the gang executes."""


class ScriptAuditor(Program):
    """One attempt at an audit of a script's scorer."""

    uses_torchrun = False

    def __init__(self, order: Order, run: ScriptRun) -> None:
        self._order, self._run = order, run

    def prepare(self, folder: Path, inputs: Mapping[str, bytes]) -> None:
        """Put the script, its files and the artifact into a folder of their own.

        Raises:
            InputError: the node lacks something, or a placeholder means nothing.
        """
        write_order(folder, self._order)
        place = folder / RUN
        put_code(self._run, folder, place, {**inputs, "in:artifact": inputs["artifact"]})
        values = values_of(self._run, place)
        self._settings = {name: fill(value, values) for name, value in self._run.env.items()}

    def command(self, folder: Path) -> Sequence[str]:
        return [sys.executable, "-u", "-m", JUDGE, str(folder)]

    def working_folder(self, folder: Path) -> Path | None:
        return None  # the judge imports this package from where it was imported here

    def environment(self, folder: Path, own: Mapping[str, str]) -> Mapping[str, str]:
        """This process's own for the judge, which starts the scorer in the script's."""
        environment = node_environment(own, self._run.passed) | self._settings
        scorer = {"python": self._run.python, "environment": environment}
        write_atomically(folder / SCORER, json.dumps(scorer).encode())
        return own

    def finish(self, folder: Path, end: GangEnd) -> Finished | Failed:
        try:
            content = (folder / RESULT).read_bytes()
        except OSError as error:
            return Failed(failure=Failure.CRASH, reason=f"{RESULT}: {error.strerror}")
        certificate = json.loads(content)
        summary = ("passed", "judged", "findings", "length_effect", "overlap", "rescored")
        outputs = {name: certificate[name] for name in summary} | {"certificate": None}
        outputs["clocks"] = {"audit_seconds": certificate["audit_seconds"]}
        return Finished(outputs=outputs, files={"certificate": content})

    def clean(self, folder: Path) -> None:
        """Remove the artifact; the rest stays to explain the attempt."""
        (folder / RUN / self._run.present["artifact"]).unlink(missing_ok=True)

    def errors(self, folder: Path) -> list[tuple[Failure, str]]:
        return read_errors(folder)


def read_scorer(folder: Path) -> tuple[str, dict[str, str]]:
    """The interpreter and the environment of a scorer.

    Raises:
        InputError: the folder was not prepared.
    """
    try:
        content = json.loads((folder / SCORER).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{folder / SCORER}: cannot be read ({error.strerror}); expected how the scorer is started"
        ) from None
    return content["python"], content["environment"]
