"""Results in the forms of other tools: pandas frames, CSV, Parquet, Optuna, TensorBoard, Weights & Biases."""
