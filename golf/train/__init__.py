"""Train one seed, in one process or as a torchrun gang."""

from golf.train.config import TrainConfig
from golf.train.training import train

__all__ = ["TrainConfig", "train"]
