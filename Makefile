# make run     the whole product on this machine (PORT=... moves the portal)
# make test    the test suite (ARGS='...' goes to pytest)
# make lint    every static check
# make bench   the benchmarks (ARGS=name for one)
# make clean   ends what runs of this checkout and removes all that was made, the environment included
# make lock    re-resolves requirements/*.txt (ARGS=--upgrade takes newer versions)
# make messages  collects the translatable strings and compiles the translations

MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
ARGS ?=
# One more than there are processors: some tests mostly wait for blocks.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)
# Dozens of processes of ours start in a run: each would compile 1,500 modules anew, which takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint bench clean lock messages environment
.DEFAULT_GOAL := run

run:
	@sh devnet/bootstrap.sh run
	@exec $(PYTHON) -m devnet.run $(ARGS)

test:
	@sh devnet/bootstrap.sh test
	@exec $(PYTHON) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint:
	@sh devnet/bootstrap.sh lint
	@exec $(PYTHON) -m devnet.lint $(ARGS)

bench:
	@sh devnet/bootstrap.sh bench
	@exec $(PYTHON) -m benchmarks $(ARGS)

clean:
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m devnet.clean; else rm -rf .exchequer .cache; fi
	@rm -rf .venv devnet/node/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock:
	@sh devnet/bootstrap.sh lock
	@exec $(PYTHON) requirements/lock.py $(ARGS)

messages:
	@sh devnet/bootstrap.sh messages
	@exec $(PYTHON) -m devnet.messages --collect

environment:
	@sh devnet/bootstrap.sh lint
