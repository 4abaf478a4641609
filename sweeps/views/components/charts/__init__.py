"""Figures as SVG: horizontal places are percentages, so that a figure fits any width and its text keeps its size."""
