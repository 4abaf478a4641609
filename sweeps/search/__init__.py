"""Drawing trials: Optuna samplers behind a reproducible search."""
