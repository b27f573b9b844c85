# Everything runs from .venv, which the first target asked for sets up from requirements.lock.
PYTHON ?= python3
CORE ?= fused
CLOCK ?= 56.25
PYTEST_ARGS ?=
JOBS ?= $(shell nproc)

BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup sim test lint verilog waves gantt resources quartus mistral board-check bench lock clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: .venv/.installed ## Python environment in .venv; system packages, where they may be installed

sim: .venv/.installed ## every named core in both simulators: cycles, tokens per second, bits compared
	$(BIN)/python -m cosim sim

test: lint .venv/.test-packages ## lint, types and all tests (PYTEST_ARGS="-k sampler")
	$(BIN)/python -m pytest -p tests.ci_plugin -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

lint: .venv/.installed ## ruff and mypy alone
	$(BIN)/ruff check
	$(BIN)/mypy

verilog: .venv/.installed ## build/verilog/CORE.v
	@mkdir -p build/verilog
	$(BIN)/python -m hdl verilog --core $(CORE) --out build/verilog/$(CORE).v

waves: .venv/.installed ## waveform of one name on CORE, and how to open it
	$(BIN)/python -m cosim waves --core $(CORE)

gantt: .venv/.installed ## which unit works in which cycle of a step (CORE=fused); build/gantt
	$(BIN)/python -m cosim gantt --core $(CORE)

resources: .venv/.installed ## every core synthesised for the Cyclone V, some minutes each; build/resources.json
	$(BIN)/python -m hdl resources

quartus: .venv/.installed ## build/quartus/CORE for the DE1-SoC; compiled where quartus_sh is on PATH (CLOCK=56.25)
	$(BIN)/python -m hdl.boards quartus --core $(CORE) --clock $(CLOCK)

mistral: .venv/.installed ## the same by Yosys and nextpnr-mistral, without PLL and JTAG; build/mistral/CORE
	$(BIN)/python -m hdl.boards mistral --core $(CORE)

board-check: .venv/.installed ## what can be checked of the board without one; build/board
	$(BIN)/python -m hdl.boards check
	$(BIN)/python -m hdl resources
	$(BIN)/python -m cosim gates
	$(BIN)/python -m cosim reset

bench: .venv/.installed ## this CPU beside the cores and the published figures; build/bench.json
	$(BIN)/python -m host_c.bench

lock: ## requirements.lock again, from the bounds in pyproject.toml
	.ci/lock $(PYTHON)

clean: ## everything made but the Python environment
	rm -rf build sim_build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## everything made
	rm -rf .venv *.egg-info

.venv/.locked: requirements.lock .ci/system-packages
	.ci/system-packages $(PYTHON)
	rm -rf .venv
	@echo "Installing the packages of requirements.lock into .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.installed: pyproject.toml .venv/.locked
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	$(BIN)/python -m host_c.build
	@touch $@

# What only the tests of host_c need: other processors' compilers, an emulator, sanitizers, a fuzzer.
.venv/.test-packages: .venv/.locked
	.ci/system-packages $(PYTHON) test
	@touch $@
