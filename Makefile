# Everything runs from .venv, which the first target asked for sets up from requirements.lock.
PYTHON ?= python3
CLOCK ?=
PYTEST_ARGS ?=
NAMES_ARGS ?=
JOBS ?= $(shell nproc)

BIN := .venv/bin

# Installations go to .venv, whatever a user has pip do elsewhere.
export PIP_USER := 0
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_REQUIREMENT PIP_CONSTRAINT PIP_EDITABLE PIP_PYTHON PYTHONHOME

# What is built: a saved design, or a core, a checkpoint and a number format. Each command has the same defaults.
MODEL = $(if $(WEIGHTS),--weights '$(WEIGHTS)') $(if $(FORMAT),--format '$(FORMAT)')
CHOICE = $(if $(CORE),--core '$(CORE)') $(MODEL) $(if $(DESIGN),--design '$(DESIGN)')
AT_CLOCK = $(if $(CLOCK),--clock '$(CLOCK)')
# A scrubber of the ROMs.
SCRUBBED = $(if $(SCRUB),--scrub)
PLACEMENT = $(if $(SEEDS),--seeds '$(SEEDS)') $(if $(GRADE),--grade '$(GRADE)')
TRAINING = $(if $(STEPS),--steps '$(STEPS)') $(if $(FORMAT),--format '$(FORMAT)') $(if $(CORE),--core '$(CORE)')
# The words of a study, where they are not the published names.
WORDS = $(if $(LIST),--names '$(LIST)')
# The smallest netlist, unless another one is asked for: larger ones take several times as long.
SMALLEST = $(if $(CORE)$(WEIGHTS)$(FORMAT)$(DESIGN),,--core tile16)

ifneq ($(filter names,$(MAKECMDGOALS)),)
ifndef LIST
$(error LIST must name a file of words, one a line: make names LIST=words.txt)
endif
endif

ifneq ($(filter calibrate,$(MAKECMDGOALS)),)
ifndef TALOS_V2
$(error TALOS_V2 must name a folder with its sources: make calibrate TALOS_V2=FOLDER)
endif
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup sim speed names test stress lint verilog waves gantt resources calibrate quartus mistral board-check bitstream pnr prove upsets campaign bench quality quant ladder profile page page-check lock clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20
	@echo
	@echo "CORE=tile16, wide, fused or, where many names at once are taken, barrel; WEIGHTS=FILE, a checkpoint; FORMAT=Q4.12, Q5.12, Q6.12 or auto; or DESIGN=FILE, a design.json."
	@echo "Without them: the published weights and the fastest core that the model can have, of sim and resources every core."

setup: .venv/.installed ## Python environment in .venv; system packages, where they may be installed

sim: .venv/.installed ## cores in both simulators: cycles, steps per second, bits compared; build/sim.json
	$(BIN)/python -m cosim sim $(CHOICE)

speed: .venv/.installed ## the lock step beside a plain C++ loop around the same model: cycles in a second of processor time
	$(BIN)/python -m cosim speed $(CHOICE)

names: .venv/.installed ## from words to a verified core (LIST=FILE STEPS=N NAMES_ARGS="--n-embd 24"); build/LIST/report.md
	$(BIN)/python -m cosim names '$(LIST)' $(TRAINING) $(NAMES_ARGS)

test: lint .venv/.test-packages ## lint, types and all tests (PYTEST_ARGS="-k sampler")
	$(BIN)/python -m pytest -p tests.ci_plugin -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

stress: .venv/.installed ## six mixed commands at once in this checkout, five times
	TALOS_TURNS=5 $(BIN)/python -m pytest tests/cosim/test_at_once.py

lint: .venv/.installed ## ruff and mypy alone
	$(BIN)/ruff check
	$(BIN)/mypy

verilog: .venv/.installed ## one self-contained file of a core; build/verilog/CORE.v
	$(BIN)/python -m hdl verilog $(CHOICE)

waves: .venv/.installed ## waveform of one name, and how to open it; build/waves
	$(BIN)/python -m cosim waves $(CHOICE)

gantt: .venv/.installed ## which unit works in which cycle of a step; build/gantt
	$(BIN)/python -m cosim gantt $(CHOICE)

resources: .venv/.installed ## cores synthesised for the Cyclone V, some minutes each; build/resources.json
	$(BIN)/python -m hdl resources $(CHOICE)

calibrate: .venv/.installed ## our estimates of TALOS-V2 (TALOS_V2=FOLDER, a clone) beside its fit; build/calibration.jsonl
	$(BIN)/python -m hdl calibrate --talos-v2 '$(TALOS_V2)'

quartus: .venv/.installed ## project for the DE1-SoC, compiled where quartus_sh is on PATH (CLOCK=56.25, SERIAL=115200, SCRUB=1); build/quartus/CORE
	$(BIN)/python -m hdl.boards quartus $(CHOICE) $(AT_CLOCK) $(SCRUBBED) $(if $(SERIAL),--serial '$(SERIAL)')

mistral: .venv/.installed ## the same by Yosys and nextpnr-mistral, without PLL and JTAG; build/mistral/CORE
	$(BIN)/python -m hdl.boards mistral $(CHOICE)

board-check: .venv/.installed ## what can be checked of the board without one; build/board
	$(BIN)/python -m hdl.boards check $(CHOICE)
	$(BIN)/python -m hdl resources $(CHOICE)
	$(BIN)/python -m cosim gates $(SMALLEST) $(CHOICE)
	$(BIN)/python -m cosim reset $(CHOICE)

bitstream: .venv/.installed ## of the ULX3S, placed and routed (BOARD=ulx3s-85f SEEDS=8 CLOCK=40 GRADE=6 SCRUB=1); build/bitstream/BOARD/CORE
	$(BIN)/python -m hdl.boards bitstream $(if $(BOARD),--board '$(BOARD)') $(CHOICE) $(AT_CLOCK) $(SCRUBBED) $(PLACEMENT)

pnr: .venv/.installed ## the same of every core, an hour and more: tile16 at 56.25 MHz, the larger ones at 40 MHz
	$(BIN)/python -m hdl.boards bitstream --core tile16 --seeds 4
	$(BIN)/python -m hdl.boards bitstream --core wide --clock 40
	$(BIN)/python -m hdl.boards bitstream --core fused --clock 40
	$(BIN)/python -m hdl.boards bitstream --core barrel --clock 40

prove: .venv/.installed ## properties of the units, for all inputs and cycles, and a planted bug for each; build/prove.json
	$(BIN)/python -m cosim prove

upsets: .venv/.installed ## single bits of a core and its registers flipped in mid-name: what a host sees; build/upsets.json
	$(BIN)/python -m cosim upsets $(CHOICE) $(if $(UPSETS),--upsets '$(UPSETS)')

campaign: .venv/.installed ## many checks as shards, each result kept once (SCHEDULER=tcp://… CAMPAIGN_ARGS="--names 10000"); build/campaign.json, .html
	$(BIN)/python -m cosim campaign $(CHOICE) $(if $(SCHEDULER),--scheduler '$(SCHEDULER)') $(CAMPAIGN_ARGS)

bench: .venv/.installed ## this CPU beside the cores, the published figures and, with PEER=FOLDER, the public C; build/bench.json
	$(BIN)/python -m host_c.bench $(MODEL) $(if $(PEER),--peer '$(PEER)')

quality: .venv/.installed ## accuracy of every arithmetic, and what its sampler draws by a fault; build/quality.json
	$(BIN)/python -m talos_ref quality --folder build $(if $(WEIGHTS),--weights '$(WEIGHTS)') $(WORDS)

quant: .venv/.installed ## what coarser numbers cost: weights of 16 to 2 bits, 8-bit activations; build/quant.json
	$(BIN)/python -m talos_ref quant --folder build $(if $(WEIGHTS),--weights '$(WEIGHTS)') $(WORDS)

ladder: .venv/.installed ## six models of the words, from counting pairs to the circuit's own; build/ladder.json, ladder.npz
	$(BIN)/python -m talos_ref ladder --folder build $(WORDS)

profile: .venv/.installed ## where the time of one step goes in NumPy; build/profile.json
	$(BIN)/python -m talos_ref profile --folder build $(if $(WEIGHTS),--weights '$(WEIGHTS)')

page: .venv/.installed ## circuits alive in a browser, a race, a report of all figures above; build/page/index.html
	$(BIN)/python -m cosim page $(CHOICE)

page-check: .venv/.test-packages .venv/.installed ## the page in Chromium: 10,000 steps compared, loops timed; with PEER=FOLDER a race in node
	$(BIN)/python -m cosim page $(CHOICE) --measure $(if $(PEER),--peer '$(PEER)')

lock: ## requirements.lock again, from the bounds in pyproject.toml
	.ci/lock $(PYTHON)

clean: ## everything made but the Python environment
	rm -rf build sim_build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## everything made
	rm -rf .venv *.egg-info

.venv/.locked: requirements.lock .ci/system-packages
	@test -w . || { echo "error: $(CURDIR) cannot be written, and .venv goes there; copy it to a folder that can be," \
		"or call python -m cosim and the others from an environment with the packages of requirements.lock" >&2; exit 1; }
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

# What only tests need: other processors' compilers, an emulator, sanitizers, a fuzzer, a browser.
.venv/.test-packages: .venv/.locked
	.ci/system-packages $(PYTHON) test
	@touch $@
