"""Artifacts: quantize, compress and pack a model; load it again."""

from golf.artifact.packing import QuantizeConfig, load, load_bytes, pack, save

__all__ = ["QuantizeConfig", "load", "load_bytes", "pack", "save"]
