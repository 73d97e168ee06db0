"""A compiler for recurrent cells: equations in, derived gradients and fast kernels out."""

__version__ = "0.1.0"
