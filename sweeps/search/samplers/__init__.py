"""What a sweep file can name as its sampler. A new one is a file in this folder and a line in the table."""

from sweeps.search.samplers.gp import gp
from sweeps.search.samplers.grid import Grid
from sweeps.search.samplers.optuna_sampler import OptunaSampler
from sweeps.search.samplers.sampler import Draw, Sampler
from sweeps.search.samplers.tpe import tpe
from sweeps.search.samplers.uniform import uniform

SAMPLERS: dict[str, Sampler] = {
    "tpe": OptunaSampler(tpe, learns=True),
    "gp": OptunaSampler(gp, learns=True),
    "random": OptunaSampler(uniform, learns=False),
    "grid": Grid(),
}
"""Samplers by the name that a sweep file gives in search.sampler."""

__all__ = ["SAMPLERS", "Draw", "Sampler"]
