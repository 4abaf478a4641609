"""Names of the fields of submissions over the months, in the order in which they count."""

import re

HEADLINE = ("val_bpb", "mean_val_bpb", "val_bpb_mean", "mean_bpb", "bpb", "val_var_bpb")
OF_SEEDS = re.compile(r"val_bpb_\d{1,2}_?seeds?_(mean|std)|\d{1,2}_?seeds?_(mean|std)_(?:val_)?bpb", re.ASCII)
"""Names of a headline (mean) and its deviation (std) that give the number of seeds."""
SEED_HEADLINE = ("val_bpb_exact", *HEADLINE, "sliding_window_bpb_exact", "sliding_window_bpb")
LOSS = ("val_loss", "mean_val_loss", "val_loss_mean", "val_loss_nats", "mean_val_loss_nats", "val_loss_sliding")
STD = ("val_bpb_std", "std_bpb", "std_val_bpb", "bpb_std", "significance_std_bpb")
SEED_SCORES = ("seed_results", "val_bpb_seeds", "seeds", "results", "per_seed", "seed_scores")
NESTED = ("metrics", "results", "result", "summary", "final")
"""Tables with fields that other submissions write at the top level."""
TOTAL = (
    *("bytes_total", "artifact_bytes_max", "artifact_bytes", "artifact_size_bytes", "model_size_bytes", "total_bytes"),
    *("submission_bytes", "max_artifact_bytes", "artifact_total_bytes_max", "artifact_total_bytes"),
)
MEAN_BYTES = ("artifact_bytes_mean", "bytes_total_mean", "mean_artifact_bytes")
CODE = ("bytes_code", "code_bytes", "code_size_bytes")
TRAIN = (
    "train_time_seconds",
    "training_time_seconds",
    "wallclock_seconds",
    "train_seconds",
    "train_time_s",
    "train_time_s_mean",
    "train_time_s_max",
    "max_train_seconds",
    "mean_train_seconds",
    "train_time_ms",
)
EVAL = (
    "eval_time_seconds",
    "eval_seconds",
    "eval_time_s",
    "eval_time_s_mean",
    "eval_time_s_max",
    "max_eval_seconds",
    "mean_eval_seconds",
    "eval_time_ms",
    "ttt_time_ms",
)
PARAMETERS = ("model_params", "num_params", "parameters")
STEPS = ("step_stop", "train_steps", "steps")
COUNT = ("n_seeds", "num_seeds", "significance_runs")
P_VALUE = ("p_value", "significance_p_one_sided", "p_one_sided")
BASELINE = (
    "comparison_baseline_bpb",
    "base_val_bpb",
    "baseline_bpb",
    "baseline_val_bpb",
    "sota_bpb",
    "significance_threshold_bpb",
)
PULL_REQUEST = ("pr_number", "pull_request_number", "pull_request", "pr")
URL = ("url", "pr_url", "pull_request", "pr", "link")
