"""Notebooks, and only here: headless runs, kernels, export, widgets."""
