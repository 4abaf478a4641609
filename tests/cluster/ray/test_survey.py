"""A script's interpreter as the nodes of a cluster have it."""

import pytest

from tests.scripts import BARE_PYTHON


@pytest.mark.usefixtures("ray_started")
def test_each_node_says_what_the_interpreter_is_there_or_why_not() -> None:
    from cluster.ray.survey import interpreters

    [there] = interpreters(BARE_PYTHON, []).values()
    assert not isinstance(there, str) and there["torch"] is None and there["python"] is not None
    [missing] = interpreters("/no/such/python", []).values()
    assert isinstance(missing, str) and "script.python: /no/such/python does not run here" in missing
