# make demo       sets everything up and runs the main job on a cell of its own
# make test       sets everything up and runs the tests (under ten minutes on two cores)
# make test-all   every test: all variants in both precisions, packaging
# make lint       ruff and mypy
# make bench      speed, beside what else could run the cells; make bench ARGS=--quick tries it
# make bench-zoo  speed of every cell of the zoo, for the pages about them
# make docs       writes the pages about the cells anew, in docs/cells
# make generated  writes the kernels of the base cells anew
# make clean      removes what was built; the packages in .venv stay
#
# Needed: Python 3.11 or newer and a C compiler. Everything else goes into a private .venv.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= auto
ARGS    ?=

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
# Pinned here too: without the pin pip may fetch another build with gigabytes of CUDA libraries.
FRAMEWORKS := torch==2.13.0 torchrecurrent jax onnx onnxruntime
BASE_CELLS := rnn rnn_relu lstm lstm_peephole gru gru_reset_before

WHICH        := -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
VERSION      := $(shell $(PYTHON) $(WHICH))
VENV_VERSION := $(shell $(BIN)/python $(WHICH))

.DELETE_ON_ERROR:
.PHONY: demo test test-all lint bench bench-zoo docs generated clean

demo: $(STAMP)
	$(BIN)/symcell build examples/mgu.py
	$(BIN)/symcell check examples/mgu.py
	@mkdir -p build
	$(BIN)/symcell derive examples/mgu.py --format markdown > build/mgu.md
	@head -n 40 build/mgu.md; echo; echo "(the whole derivation: build/mgu.md)"
	$(BIN)/python examples/char_lm.py

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses=8 -m "not slow" $(ARGS)

test-all: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses=8 $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

bench-zoo: ARGS += --zoo --json docs/zoo_speed.json
bench-zoo: bench

docs: $(STAMP)
	$(BIN)/symcell docs -o docs/cells $(if $(wildcard docs/zoo_speed.json),--speed docs/zoo_speed.json)

# Runs in the environment as it is: compiling the old kernels first would be wasted.
generated:
	@test -e $(STAMP) || $(MAKE) $(STAMP)
	for cell in $(BASE_CELLS); do $(BIN)/symcell generate $$cell -o generated || exit 1; done
	$(MAKE) $(STAMP)

clean:
	rm -rf build dist symcell.egg-info generated/*.so generated/*.c symcell/runtime/*.so $(STAMP)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find symcell templates generated tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The environment, and in it the compiled base cells: anew when a pin, a kernel or a header changed.
# No build isolation, so that the kernels are translated by the pinned Cython.
$(STAMP): pyproject.toml setup.py constraints.txt \
		$(wildcard generated/*.pyx generated/*.h symcell/runtime/native.p* symcell/runtime/include/symcell/*.h)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "symcell needs Python 3.11 or newer as $(PYTHON); or name another: make PYTHON=python3.12 ..."; exit 1; }
	@test "$(VENV_VERSION)" = "$(VERSION)" || $(PYTHON) -m venv --clear $(VENV) || { \
		echo "no virtual environment: on Debian and Ubuntu install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt setuptools cython
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev]' $(FRAMEWORKS)
	@touch $@

# An environment of another Python, or one whose Python is gone, is made again whatever its stamp says.
ifneq ($(VENV_VERSION),$(VERSION))
.PHONY: $(STAMP)
endif
