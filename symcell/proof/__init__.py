"""Proof that a cell's gradients and its kernels are right: five oracles, from cheap to complete."""
