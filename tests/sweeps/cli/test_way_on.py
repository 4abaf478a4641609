"""What `run` advises when a sweep has ended early."""

from types import SimpleNamespace

import pytest

from sweeps.cli.commands.run import explain_end


@pytest.mark.parametrize(
    ("ended", "advice"),
    [
        ("stopped: interrupted", "; resume with: golfsweep"),
        (
            "over budget: train seed 3: cannot end before the deadline, 2026-01-01",
            "raise budget.deadline in the file, then",
        ),
        (
            "over budget: needs 3; of budget.gpu_hours = 1 2 GPU-hours are spent",
            "raise budget.gpu_hours in the file, then",
        ),
        ("over budget: needs 3; of budget.dollars = 1 (2 GPU-hours)", "raise budget.dollars in the file, then"),
    ],
)
def test_past_a_limit_of_the_budget_the_limit_is_to_be_raised_first(ended: str, advice: str) -> None:
    (line,) = explain_end("x", SimpleNamespace(failures=(), blocked=None, ended=ended))
    assert advice in line
