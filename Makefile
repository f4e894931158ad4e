# Two commands matter: `make demo` and `make test`. Both make .venv from requirements.lock first, where it is not
# there or no longer the same. `make PYTHON=python3.13 test` chooses another interpreter for a new one.

PYTHON  ?= python3
TABLE   ?= $(if $(DATA),marrnet-t1,drawings)
RRUFF   ?=
DATA    ?= $(RRUFF)
PROFILE ?= $(if $(DATA)$(filter drawings,$(TABLE)),demo,tiny)
SEEDS   ?= 1
WORKERS ?= $(if $(filter drawings,$(TABLE)),2)
OUT     ?= _build/tables
TORCH   ?=

BIN := .venv/bin
RUN := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

# The install compiles nothing (17,000 files, of which we import a third): Python does that at first import, and must be let.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help environment book-environment lock demo tables test lint unit check-notebooks check-book measure colab plain-book notebooks results book clean

help:  ## this list
	@echo "xmodal-lite: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*  ## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-12s %s\n", $$1, $$2}'

# uv installs the lock; pip only fetches uv. The lock and pyproject.toml are compared as text: in a fresh clone the
# times of the files say nothing. TORCH=cpu takes torch's build for processors, without CUDA's libraries.
environment:
	@cat requirements.lock pyproject.toml | cmp -s - .venv/made-from && exit 0; \
	set -e; $(call bootstrap,.venv); \
	echo "Installing requirements.lock into .venv, once: about $(if $(TORCH),1.5,6) GB"; \
	grep -vE '$(if $(TORCH),^(nvidia|cuda|triton)[a-z0-9-]*==,^$$)' requirements.lock > .venv/wanted.txt; \
	.venv/bin/uv pip install --python .venv/bin/python $(if $(TORCH),--torch-backend $(TORCH)) -r .venv/wanted.txt; \
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps -e .; \
	cat requirements.lock pyproject.toml > .venv/made-from

# The book needs no torch: it shows stored notebooks. Without .venv it gets a small environment of its own.
book-environment:
	@test -e .venv/made-from && exit 0; \
	cat requirements.lock pyproject.toml | cmp -s - .venv-book/made-from && exit 0; \
	set -e; $(call bootstrap,.venv-book); \
	echo "Installing what the book needs into .venv-book, once: about 1 GB"; \
	grep -vE '^(nvidia|cuda|triton|torch|torchvision|accelerate|pytorch-metric-learning|onnx|imagecorruptions|llvmlite|numba|opencv|captum)[a-z0-9-]*==' \
	  requirements.lock > .venv-book/wanted.txt; \
	.venv-book/bin/uv pip install --python .venv-book/bin/python --no-deps -r .venv-book/wanted.txt; \
	cat requirements.lock pyproject.toml > .venv-book/made-from

define bootstrap
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "Python 3.11 or later is needed and '$(PYTHON)' is not. Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }; \
test -x $(1)/bin/python || $(PYTHON) -m venv $(1); \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
endef

# CUDA's libraries come with torch on Linux and exist nowhere else.
lock:  ## write requirements.lock from what is installed in .venv
	@{ echo "# Every package of the environment, at the version that the tests ran with (Python 3.11, Linux)."; \
	  echo "# Made by 'make lock', which is pip freeze in .venv without the project itself. Install it with"; \
	  echo "# pip install -r requirements.lock"; \
	  $(BIN)/python -m pip freeze --all --exclude pip --exclude-editable --exclude xmodal-lite \
	  | sed -E 's/^((nvidia|cuda)-[a-z0-9-]+|triton)==.*/& ; sys_platform == "linux"/'; } > requirements.lock

demo: environment  ## match emoji, three minutes on two cores (or another table: TABLE, DATA, SEEDS), then build the book
	@$(RUN) $(BIN)/python book/expected.py "$(TABLE)"
	@$(MAKE) --no-print-directory tables book
	@echo
	@echo "The table: $(OUT)    The book: open _build/html/index.html in a browser; it needs no network."

tables: environment  ## one table, by papermill: TABLE=mun-t1 DATA=path PROFILE=paper SEEDS=5 (without DATA its synthetic data set; drawings needs none)
	$(RUN) $(BIN)/xmodal tables run "$(TABLE)" $(if $(DATA),--data-root "$(DATA)") --profile $(PROFILE) \
	  --seeds $(SEEDS) --output "$(OUT)" $(if $(WORKERS),--scheduler local --workers $(WORKERS))

test: lint unit check-notebooks check-book  ## everything that continuous integration checks, cheapest first

lint: environment  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: environment
	$(RUN) $(BIN)/pytest --ignore tests/book --ignore tests/notebooks -n 2 --dist loadfile

check-notebooks: environment
	$(RUN) $(BIN)/pytest tests/notebooks
	$(RUN) $(BIN)/pytest -n 2 --dist loadfile --nbval-lax --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg notebooks

check-book: environment
	$(RUN) $(BIN)/pytest tests/book

measure: environment  ## size and start-up time of the library against their marks
	$(RUN) $(BIN)/python perf/measure.py

colab:  ## the wheel among Colab's own versions, in an environment of its own (5 GB): make PYTHON=python3.13 colab
	.ci/colab

plain-book:  ## the book by plain Sphinx of today, and its tests: make PYTHON=python3.13 plain-book
	.ci/plain/build

results: environment  ## the pages of all results, from the stored records
	$(BIN)/python book/make_results.py

notebooks: environment  ## run every notebook and store what it shows in its .ipynb twin
	$(RUN) $(BIN)/python book/execute_notebooks.py

book: book-environment  ## the book from the stored notebooks, into _build/html; needs no torch
	$$(test -e .venv/made-from && echo .venv || echo .venv-book)/bin/jupyter-book build . -W -n --keep-going

clean:  ## remove what was built, but not .venv and no finished run
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
