"""Kernels of the base cells, written by `make generated`; installed as `symcell.generated`."""
