"""Optimizers: Muon for matrices, AdamW for all else, without torch.optim, whose import takes a second."""
