"""Everything between a kernel's source text and its calls: toolchain, on-disk cache, loading, the kernel.

This package imports nothing of the stages that write the source, and nothing is imported eagerly: a prebuilt
kernel runs with NumPy alone. Cython, filelock and platformdirs are imported (or started) by a build only.
"""
