"""The benchmark: a cell's kernel beside what else could run it, checked for equality, then timed in turn.

    plan        the step as a good user of a framework would write it: which products are hoisted, which stacked
    frameworks  peers made from the plan: JAX, eager PyTorch
    libraries   peers with operators of their own: torch.nn, ONNX Runtime
    measure     equality, medians, ratios, rates

Imported by the command line and by benchmarks/ only: frameworks are optional and heavy.
"""
