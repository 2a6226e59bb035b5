# On a machine with make and a Python: `make demo` trains a first character, `make test` tests.
# The first call sets up a virtual environment; BUILD.md has the same steps by hand.

VENV ?= .venv
RUN = $(VENV)/bin/python
TEST_WORKERS ?= 2
DATA ?=
DEMO_DIR ?= runs/demo$(if $(DATA),-$(notdir $(patsubst %/,%,$(DATA))))
# Flags that come after the demo's own and override them.
DEMO_RENDER ?=
DEMO_TRAIN ?=

.PHONY: help environment data-given demo demo-of-koharu demo-of-data test soak lint format clean

help:
	@echo "make demo              render the built-in character, train a small PSGAN on it, draw and animate"
	@echo "make demo DATA=folder  the same on a folder of pictures with keypoints, without the animation"
	@echo "make test              run the tests (under 10 minutes on 2 cores)"
	@echo "make soak              run the long kill, load and whole-schedule campaigns"
	@echo "make lint              check style and types;  make format  mends style"
	@echo "make environment       only set up $(VENV)"
	@echo "make clean             remove $(VENV) and caches; runs and data stay"

environment:
	@sh tools/make_environment.sh "$(VENV)"

data-given:
	@test -f "$(DATA)/manifest.jsonl" || { \
	    echo "\`DATA\` must be a folder with manifest.jsonl, skeleton.json and pictures (README.md, Your own pictures). Received: $(DATA). Without DATA the built-in character is rendered." >&2; \
	    exit 1; }

# Each step goes on where an earlier call was stopped.
demo: $(if $(DATA),data-given) environment $(if $(DATA),demo-of-data,$(DEMO_DIR)/finished)
	@$(if $(DATA),true,cat "$(DEMO_DIR)/finished")

$(DEMO_DIR)/finished:
	@$(MAKE) --no-print-directory demo-of-koharu

demo-of-koharu:
	@echo "== 1 of 6: rendering the built-in character"
	$(RUN) -m tools.render_avatars --preset=demo --output="$(DEMO_DIR)/dataset" $(DEMO_RENDER)
	@echo "== 2 of 6: converting the pictures"
	$(RUN) -m tools.make_tfrecords --input="$(DEMO_DIR)/dataset" --output="$(DEMO_DIR)/records" --resolutions=4-32
	@echo "== 3 of 6: training, about ten minutes on two processor cores"
	$(RUN) -m psgan_tf.train --flagfile=demo.flags --data_dir="$(DEMO_DIR)/records" --run_dir="$(DEMO_DIR)/run" $(DEMO_TRAIN)
	@echo "== 4 of 6: how well it holds poses, in motions that it was not trained on as well"
	$(RUN) -m psgan_tf.evaluate --run_dir="$(DEMO_DIR)/run" --data_dir="$(DEMO_DIR)/records"
	@echo "== 5 of 6: drawing characters"
	$(RUN) -m psgan_tf.generate --run_dir="$(DEMO_DIR)/run" --seeds=0-7 --poses="$(DEMO_DIR)/dataset" --output="$(DEMO_DIR)/pictures"
	@echo "== 6 of 6: a dance that it was not trained on"
	$(RUN) -m psgan_tf.animate --run_dir="$(DEMO_DIR)/run" --seed=0 --side_by_side \
	    --motion="$(DEMO_DIR)/dataset/built-in/motions/dance_idol.vrma" --output="$(DEMO_DIR)/dance.webp"
	@printf '%s\n' "The grid is $(DEMO_DIR)/pictures/grid.png" "The animation is $(DEMO_DIR)/dance.webp" \
	    "The run is $(DEMO_DIR)/run; delete $(DEMO_DIR) to make all of it again." >"$(DEMO_DIR)/finished"

demo-of-data:
	$(RUN) -m tools.make_tfrecords --input="$(DATA)" --output="$(DEMO_DIR)/records" --resolutions=4-32
	$(RUN) -m psgan_tf.train --flagfile=demo.flags --data_dir="$(DEMO_DIR)/records" --run_dir="$(DEMO_DIR)/run" $(DEMO_TRAIN)
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
