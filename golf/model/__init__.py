"""The GPT family: layers, attention kernels, and the tensors of a model file."""

from golf.model.gpt import GPT, ModelConfig

__all__ = ["GPT", "ModelConfig"]
