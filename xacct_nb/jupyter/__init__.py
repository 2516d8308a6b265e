"""Kernels, notebooks and widgets."""
