"""What a page shows of two entries side by side."""

from collections.abc import Mapping
from typing import Any

from sweeps.statistics.documents import Documents
from sweeps.views.components.charts.document_pairs import prepare_document_pairs
from sweeps.views.components.charts.seed_pairs import prepare_seed_pairs
from sweeps.views.components.panels.diff_table import prepare_diff_table
from sweeps.views.components.panels.verdict_bar import prepare_comparison_bar
from sweeps.views.terminal.compare_evidence import list_evidence, name_tests
from sweeps.views.verdicts.next_step import NextStep


def prepare_comparison(comparison: Mapping[str, Any], documents: Documents | None, step: NextStep) -> dict[str, Any]:
    """What `comparison_body.html.j2` draws.

    Args:
        comparison: what `sweeps.board.compare.compare` returns.
        documents: scores of every document under both entries; None where they share none.
        step: what the claim needs next.
    """
    challenger, incumbent = comparison["challenger"], comparison["incumbent"]
    names = challenger["known_as"], incumbent["known_as"]
    figures = [
        prepare_seed_pairs(challenger, incumbent),
        None if documents is None else prepare_document_pairs(documents, names),
    ]
    return {
        "comparison": comparison,
        "verdict": prepare_comparison_bar(comparison, step),
        "tests": [(title, comparison["tests"][name]) for name, title in name_tests().items()],
        "sentences": list_evidence(comparison),
        "figures": [figure for figure in figures if figure is not None],
        "settings": prepare_diff_table(comparison["settings"], names),
    }
