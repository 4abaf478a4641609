"""Whether this machine can run a sweep's script: found out before it takes jobs from machines that can."""

import os
import sys

from jobs.errors import NotReady
from jobs.scripts.preflight import Preflight, check_node
from jobs.scripts.program import SETUPS
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep
from sweeps.spec.script.kind import ScriptKind


def check_machine(sweep: Sweep, place: Workplace) -> None:
    """Set this machine up for a sweep's script, as the first of its jobs would.

    Raises:
        NotReady: it lacks a module or program, or its interpreter is not that of the sweep's other jobs.
    """
    kind, code = sweep.spec.kind, sweep.code
    if not isinstance(kind, ScriptKind) or code is None:
        return
    section = kind.tables.script
    file = section.file.rpartition("/")[2]
    for version in code.versions.values():
        digests = {file: version.script, **version.files}
        preflight = Preflight(
            file=file,
            python=section.python or sys.executable,
            contents={name: place.files.get(digest) for name, digest in digests.items()},
            setup=section.setup,
            needs=section.needs,
            passed=section.passed,
            runtime=code.runtime,
        )
        if problems := check_node(preflight, place.home.root / SETUPS, os.environ):
            raise NotReady(*problems)
