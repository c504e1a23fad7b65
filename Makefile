# Needs a network and any Python 3: tools/setup.sh sees to the rest.
SHELL := /bin/bash
# Twice as many workers as cores that CI has: some tests wait for servers and browsers. More take longer.
PYTEST := -m pytest -n 4 --dist loadfile --no-loadscope-reorder
SETUP := pyproject.toml constraints.txt tools/setup.sh
CODE := pgen plugins tests benchmarks examples $(wildcard *.py)
# A copy of all but the packages: what is imported then comes from the wheel.
COPY := .cache/wheel-test
WHEEL_TEST = cd $(COPY) && PGEN_WHEEL="$$(echo $(CURDIR)/dist/*.whl)"
# Not tested with the newest versions: what is slow, needs torch or a browser, and depends on no version that differs.
NOT_LATEST := benchmarks docs faults packaging servers plugins/pgen_qwen_transformers plugins/pgen_ray \
	$(patsubst tests/%,%,$(wildcard tests/plugins/*/test_*in_browser.py))
# Left out of `make wheel-test`: what tests the checkout beside the package, and the servers of `make test`.
NOT_WHEEL := servers tools test_architecture.py faults/test_faults_breakages.py \
	$(filter-out %/test_lerobot_train.py,$(patsubst tests/%,%,$(wildcard tests/benchmarks/test_*.py)))

# Where that is set, each interpreter compiles again what pytest rewrites, and what was installed without bytecode.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(PATH):$(CURDIR)/.cache/uv-env/bin
export PGEN_LEROBOT044_PYTHON ?= $(CURDIR)/.venv-lerobot044/bin/python
export PGEN_LEROBOT033_PYTHON ?= $(CURDIR)/.venv-lerobot033/bin/python

.PHONY: former-lerobot help demo test test-fast test-long check faults faults-long servers test-next-lerobot wheel-test bench constraints clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

demo: .venv/.ready ## render a small dataset, annotate it without a model, verify it
	.venv/bin/pgen demo --output-dir demo --force

test: .venv-test/.ready former-lerobot ## the suite against this checkout
	.venv-test/bin/python $(PYTEST) -m "not long" $(ARGS)

test-fast: .venv-test/.ready ## the tests that start no process and no server and render no dataset, in a minute
	.venv-test/bin/python $(PYTEST) --fast $(ARGS)

test-long: .venv-test/.ready ## what takes longer: clusters of Ray, hundreds of faults
	.venv-test/bin/python $(PYTEST) -m long $(ARGS)

test-next-lerobot: ## the tests that use lerobot, with lerobot 0.7 in place of 0.6
	tools/setup.sh lerobot07
	.venv-lerobot07/bin/python $(PYTEST) tests/plugins/pgen_lerobot tests/benchmarks/test_main_route.py tests/benchmarks/test_lerobot_train.py $(ARGS)

check: .venv-test/.ready ## ruff and mypy
	.venv-test/bin/ruff check $(CODE)
	.venv-test/bin/ruff format --check $(CODE)
	.venv-test/bin/mypy

wheel-test: former-lerobot ## the whole suite, the long tests too, against the built wheel, much of it with the newest dependencies
	tools/setup.sh wheel
	rm -rf $(COPY) && mkdir -p $(COPY)
	cp -r $(filter-out pgen plugins schemas dist demo,$(wildcard *)) $(COPY)
	$(WHEEL_TEST) env -u CI -u PGEN_LEROBOT044_PYTHON -u PGEN_LEROBOT033_PYTHON $(CURDIR)/.venv-latest/bin/python $(PYTEST) \
		-m "not long" --write-passed=passed.txt $(addprefix --ignore tests/,$(NOT_WHEEL) $(NOT_LATEST)) $(ARGS)
	$(WHEEL_TEST) $(CURDIR)/.venv-wheel/bin/python $(PYTEST) --leave-out=passed.txt $(addprefix --ignore tests/,$(NOT_WHEEL)) $(ARGS)

former-lerobot: .venv-lerobot044/.ready .venv-lerobot033/.ready

faults: .venv-test/.ready ## the fault suite alone, and its table of counts
	.venv-test/bin/python $(PYTEST) tests/faults $(ARGS)

faults-long: .venv-test/.ready ## the same with many more faults: hours
	PGEN_FAULTS=long .venv-test/bin/python $(PYTEST) tests/faults $(ARGS)

servers: .venv-test/.ready ## environments of real servers, for tests/servers; prints the variables to export
	@tools/server-envs.sh .venv-vllm .venv-serve

bench: .venv-bench/.ready ## every figure that the README and docs give, into docs/performance.md
	.venv-bench/bin/python benchmarks/run.py --write docs/performance.md $(ARGS)

constraints: ## the newest versions that fit pyproject.toml, into constraints*.txt
	tools/setup.sh constraints

clean: ## remove what these commands made
	rm -rf .venv .venv-* .cache .mypy_cache .pytest_cache .ruff_cache dist demo

.venv/.ready: $(SETUP)
	tools/setup.sh demo && touch $@

.venv-test/.ready: $(SETUP)
	tools/setup.sh test && touch $@

.venv-bench/.ready: $(SETUP)
	tools/setup.sh bench && touch $@

.venv-lerobot044/.ready: constraints-lerobot044.txt tools/setup.sh
	tools/setup.sh lerobot044 && touch $@

.venv-lerobot033/.ready: constraints-lerobot033.txt tools/setup.sh
	tools/setup.sh lerobot033 && touch $@
