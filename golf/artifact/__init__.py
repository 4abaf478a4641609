"""Artifacts: quantize, compress and pack a model, and load it."""

from golf.artifact.packing import QuantizeConfig, load, load_bytes, pack, save

__all__ = ["QuantizeConfig", "load", "load_bytes", "pack", "save"]
