"""Tests and intervals for a handful of seeds and many documents; every formula with its source.

All scores are "lower is better", a difference is challenger − incumbent in the unit of the input, and every p-value is
one-sided: the challenger is lower by more than the margin.

    seeds         Welch, one sample, published numbers; why no rank test and no bootstrap
    pooled        one deviation for all recipes of a sweep, and whether it may be one
    documents     pairs of documents; seeds and documents together
    families      many recipes: Holm, Dunnett, and what noise alone does to the best of many
    equivalence   no worse, or the same, within a margin
    planning      how many more seeds would settle it
    sequential    what p is needed when looking more than once
"""

from sweeps.statistics.documents import mean_documents, paired_test, two_way_test
from sweeps.statistics.equivalence import Equivalence, equivalence_test, no_worse_test
from sweeps.statistics.estimate import Moments, TestResult, moments
from sweeps.statistics.families import dunnett, expected_lowest, holm
from sweeps.statistics.planning import Plan, power, seeds_needed
from sweeps.statistics.pooled import Pool, pool, pooled_test
from sweeps.statistics.seeds import (
    Summary,
    one_sample,
    one_sample_test,
    percentile_bootstrap,
    published,
    published_test,
    rank_test,
    smallest_rank_p,
    summary,
    welch,
    welch_test,
)
from sweeps.statistics.sequential import anytime_level, look_levels

__all__ = [
    "Equivalence",
    "Moments",
    "Plan",
    "Pool",
    "Summary",
    "TestResult",
    "anytime_level",
    "dunnett",
    "equivalence_test",
    "expected_lowest",
    "holm",
    "look_levels",
    "mean_documents",
    "moments",
    "no_worse_test",
    "one_sample",
    "one_sample_test",
    "paired_test",
    "percentile_bootstrap",
    "pool",
    "pooled_test",
    "power",
    "published",
    "published_test",
    "rank_test",
    "seeds_needed",
    "smallest_rank_p",
    "summary",
    "two_way_test",
    "welch",
    "welch_test",
]
