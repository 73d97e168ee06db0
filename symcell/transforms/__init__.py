"""Transformations of cells: each takes a cell and returns a new one, declared as if its body had been written.

`symcell.transforms.body` holds the machinery, one file beside it each transformation.
"""
