# On a machine with make and a Python: `make demo DATA=folder` trains, `make test` tests.
# The first call sets up a virtual environment; BUILD.md has the same steps by hand.

VENV ?= .venv
RUN = $(VENV)/bin/python
TEST_WORKERS ?= 2
DATA ?=
DEMO_DIR ?= runs/demo-$(notdir $(patsubst %/,%,$(DATA)))

.PHONY: help environment data-given demo test soak lint format clean

help:
	@echo "make demo DATA=folder  train a small PSGAN on a folder of pictures with keypoints and draw characters"
	@echo "make test              run the tests (under 10 minutes on 2 cores)"
	@echo "make soak              run the long kill, load and whole-schedule campaigns"
	@echo "make lint              check style and types;  make format  mends style"
	@echo "make environment       only set up $(VENV)"
	@echo "make clean             remove $(VENV) and caches; runs and data stay"

environment:
	@sh tools/make_environment.sh "$(VENV)"

data-given:
	@test -f "$(DATA)/manifest.jsonl" || { \
	    echo "make demo needs DATA=folder: a folder with manifest.jsonl, skeleton.json and pictures (README.md, Your own pictures). Received: DATA=$(DATA)" >&2; \
	    exit 1; }

# Each step goes on where an earlier call was stopped.
demo: data-given environment
	$(RUN) -m tools.make_tfrecords --input="$(DATA)" --output="$(DEMO_DIR)/records" --resolutions=4-32
	$(RUN) -m psgan_tf.train --flagfile=demo.flags --data_dir="$(DEMO_DIR)/records" --run_dir="$(DEMO_DIR)/run"
	$(RUN) -m psgan_tf.generate --run_dir="$(DEMO_DIR)/run" --seeds=0-7 --poses="$(DATA)" --output="$(DEMO_DIR)/pictures"
	@echo "The run is in $(DEMO_DIR)/run, its characters are in $(DEMO_DIR)/pictures."

test: environment
	$(RUN) -m pytest -n $(TEST_WORKERS) -m "not soak" --durations=15

soak: environment
	$(RUN) -m pytest -m soak --durations=15

lint: environment
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: environment
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

clean:
	test ! -f "$(VENV)/pyvenv.cfg" || rm -rf "$(VENV)"
	rm -rf build .pytest_cache .mypy_cache .ruff_cache ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
