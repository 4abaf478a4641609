"""Tests and intervals for a few seeds and many documents; every formula names its source.

Lower scores are better. A difference is challenger − incumbent in the unit of the input. Every p-value is one-sided,
for the claim that the challenger is lower by more than the margin.

    seeds         Welch, paired by training, one sample, published numbers; why there is no rank test and no bootstrap
    pooled        pooled variance over the recipes of a sweep, and the check that it may be pooled
    moderated     a variance shrunken toward that of other trainings
    documents     paired documents; seeds and documents together
    families      many recipes: Holm, Dunnett, and the selection bias of the best of many
    equivalence   no worse, or the same, within a margin
    planning      how many more seeds would settle a claim
    sequential    which p an interim analysis must reach
    replication   fresh seeds until a claim stands or falls
"""

from sweeps.statistics.documents import mean_documents, paired_test, two_way_test
from sweeps.statistics.equivalence import Equivalence, equivalence_test, no_worse_test
from sweeps.statistics.estimate import Moments, TestResult, moments
from sweeps.statistics.families import dunnett, expected_lowest, holm
from sweeps.statistics.moderated import VariancePrior, moderated_test, variance_prior
from sweeps.statistics.planning import Plan, PlanRange, paired_power, paired_seeds_needed, power, seeds_needed
from sweeps.statistics.pooled import Pool, pool, pooled_test
from sweeps.statistics.replication import Noise, analyze_replication, plan_replication
from sweeps.statistics.seeds import (
    Summary,
    one_sample,
    one_sample_test,
    paired_seeds,
    percentile_bootstrap,
    published,
    published_test,
    rank_test,
    smallest_rank_p,
    summary,
    welch,
    welch_test,
)
from sweeps.statistics.sequential import analysis_levels, anytime_level

__all__ = [
    "Equivalence",
    "Moments",
    "Noise",
    "Plan",
    "PlanRange",
    "Pool",
    "Summary",
    "TestResult",
    "VariancePrior",
    "analysis_levels",
    "analyze_replication",
    "anytime_level",
    "dunnett",
    "equivalence_test",
    "expected_lowest",
    "holm",
    "mean_documents",
    "moderated_test",
    "moments",
    "no_worse_test",
    "one_sample",
    "one_sample_test",
    "paired_power",
    "paired_seeds",
    "paired_seeds_needed",
    "paired_test",
    "percentile_bootstrap",
    "plan_replication",
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
    "variance_prior",
    "welch",
    "welch_test",
]
