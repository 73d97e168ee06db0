"""Speed against what a person could use instead. `make bench`, or `python -m benchmarks --help`."""
