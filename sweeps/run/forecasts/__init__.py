"""Forecasts of sweeps here.

forecast   a sweep's plan, for which this machine is measured where no finished job tells enough
time_left  the time left of the sweep that this process drives
"""
