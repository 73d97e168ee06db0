"""The benchmark: a cell's kernel beside what else could run it, checked for equality, then timed in turn.

    plan            the step as a good user of a framework writes it: what is hoisted, what stacked
    problem, draw   what every candidate is given, and how it answers
    frameworks      peers made from the plan: JAX, eager PyTorch
    torch_layers    peers that have the cell: torch.nn,
    torchrecurrent_layers   torchrecurrent, by the table `packaged`,
    onnx_operators  and ONNX Runtime
    measure         one row: equality, medians in turn, ratios
    machine         pinning, the rate of matrix products, memory bandwidth
    traffic         the least bytes that a cell without products moves
    rows            all rows of a cell, and means over many
    report, figure  tables, a plot

Imported by the command line only: frameworks are optional and heavy.
"""
