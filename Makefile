# Every target sets up what it needs (tools/setup.sh) and is quick when that is done.
# PYTHON=/path/to/python3 chooses the interpreter.

SHELL := /bin/bash
PYTHON ?=
export PYTHON

VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: compile help demo test test-full check format bench bench-pools bench-hearing bench-soak fuzz setup setup-dev setup-speech setup-voices setup-sipp setup-srtp setup-opus setup-baresip setup-spandsp setup-kamailio setup-peers setup-sippy setup-chromium clean distclean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 18

demo: setup ## One call through the switch on loopback, an event a line; the exit code says whether it worked
	@$(RUN) -m softswitch.demo

test: setup-dev setup-speech setup-sipp setup-srtp setup-opus setup-baresip setup-spandsp setup-kamailio setup-sippy setup-chromium ## All tests but the long ones; ends with one line, N passed, M skipped
	@$(RUN) tools/run_tests.py

test-full: setup-dev setup-speech setup-sipp setup-srtp setup-opus setup-baresip setup-spandsp setup-kamailio setup-sippy setup-chromium ## The same with long repeats, soaks and fuzzing
	@$(RUN) tools/run_tests.py --full

check: setup-dev ## Format, lint, types and import contracts; no tests
	@failed=; \
	$(VENV)/bin/ruff format --check . || failed+=" format"; \
	$(VENV)/bin/ruff check . || failed+=" lint"; \
	$(VENV)/bin/mypy || failed+=" types"; \
	$(VENV)/bin/lint-imports --no-logo || failed+=" imports"; \
	[ -z "$$failed" ] || { echo "check failed:$$failed"; exit 1; }

format: setup-dev ## Format the sources and mend what ruff can mend
	@$(VENV)/bin/ruff check --fix-only .
	@$(VENV)/bin/ruff format .

compile: setup-dev ## Compile the SIP core with mypyc into build/compiled (optional, takes a minute or two)
	@$(RUN) tools/compile.py

bench: setup-dev setup-sipp setup-peers compile ## Cost of signalling and media, beside Kamailio with rtpengine and a minimal C relay of the same run
	@$(RUN) -m bench

bench-pools: setup-dev ## Allocations a second, decisions, and how long a large configuration takes to load
	@$(RUN) -m bench pools decisions loading

bench-hearing: setup-dev setup-speech setup-voices ## Detectors, keywords and the tick: figures beside what is wanted; ONLY=tones,tick for some
	@tools/setup.sh speech || [ -z "$${CI:-}" ]
	@OPENBLAS_NUM_THREADS=1 $(RUN) -m bench hearing $(if $(ONLY),--only $(ONLY))

bench-soak: setup-dev setup-sipp ## Calls of all kinds for half an hour, and a scanner's storm beside calls; SECONDS=120 RATE=50 for less
	@$(RUN) -m bench soak storm --seconds $(or $(SECONDS),1800) --rate $(or $(RATE),100)

fuzz: setup-dev ## Fuzz the parsers and the media engine; make fuzz SECONDS=600 for longer
	@$(RUN) tools/run_tests.py --suite fuzz --fuzz-seconds $(or $(SECONDS),30)

setup: ## Only prepare .venv with what the switch runs with
	@tools/setup.sh runtime

setup-dev:
	@tools/setup.sh dev

# Without it the tests that speak and listen are skipped, and the last line counts them.
setup-speech:
	@tools/setup.sh speech || [ -z "$${CI:-}" ]

setup-voices:
	@tools/setup.sh voices || true

# Without SIPp its scenarios are skipped, and the last line counts them; the message says what to install.
setup-sipp:
	@tools/setup.sh sipp || [ -z "$${CI:-}" ]

# The same with the tests of encrypted sound, which is by libsrtp2.
setup-srtp:
	@tools/setup.sh srtp || [ -z "$${CI:-}" ]

# The same with the tests of Opus.
setup-opus:
	@tools/setup.sh opus || [ -z "$${CI:-}" ]

# The same with the tests that a phone of others takes part in.
setup-baresip:
	@tools/setup.sh baresip || [ -z "$${CI:-}" ]

# The same with the tests that a fax machine of others takes part in.
setup-spandsp:
	@tools/setup.sh spandsp || [ -z "$${CI:-}" ]

# The same with the proxy's tests.
setup-kamailio:
	@tools/setup.sh kamailio || [ -z "$${CI:-}" ]

# What signalling is measured beside; without it the bench says what to install, and goes on.
setup-peers:
	@tools/setup.sh kamailio || true
	@tools/setup.sh rtpengine || true

# The same with the tests that a SIP stack of others takes part in.
setup-sippy:
	@tools/setup.sh sippy || [ -z "$${CI:-}" ]

# Without a browser the tests of dni.js are skipped, and the last line counts them.
setup-chromium:
	@tools/setup.sh chromium || [ -z "$${CI:-}" ]

clean: ## Remove what builds and tests made; keeps .venv
	@rm -rf build dist *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name '*.so' \) -print0 | xargs -0 rm -rf

distclean: clean ## Remove .venv too
	@rm -rf $(VENV)
