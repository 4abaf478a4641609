"""The simulated agents: few edits here, many in `python -m benchmarks.greedy_agent`."""

from benchmarks.greedy_agent import DEVIATION, GreedyAgent, measure
from sweeps.views.decisions.decision import DecisionWord


def test_who_follows_next_keeps_what_is_true_and_nothing_else() -> None:
    measured = measure(agents=1, edits=40, gains=(8.0,))
    kept = measured["null kept"]
    assert kept["follows next"] <= 0.01 < kept["lower score"] < kept["lower than a fresh run"]
    assert measured["true kept"] == {"8 deviations": 1.0}
    assert 3 <= measured["seeds of an edit"] < 10


def test_what_is_kept_is_where_the_next_change_starts() -> None:
    agent = GreedyAgent(0)
    assert agent.try_change(20 * DEVIATION) == DecisionWord.KEEP
    assert agent.best == "edit 1"
    assert agent.try_change(-20 * DEVIATION) == DecisionWord.DISCARD
    assert agent.best == "edit 1"
