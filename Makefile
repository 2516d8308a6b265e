# Needs only make and Python 3.11 or later; everything else goes into .venv.

SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.ready
# Tried in this order; another one: make PYTHON=/path/to/python3 demo
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11

# Options of a command: make workshop OPTIONS='--sheet 3 --no-browser'
OPTIONS :=

# Each of the hundreds of processes that the tests start would compile what it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test exhaustive lab workshop sheets bench pictures dist lint constraints clean

help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Plan, apply, prove and record one grant in a throw-away sandbox
	@$(BIN)/xacct-nb demo

test: lint ## Run everything: lint, types, layers, unit, sandbox, notebooks, browser
	@printf '\n== Tests\n'
	@$(BIN)/python -m pytest -n 2

exhaustive: $(READY) ## Run the whole suite, with the tests that take many minutes
	@$(BIN)/python -m pytest -n 2 --exhaustive

lab: $(READY) ## Open JupyterLab on the start notebook, with a running sandbox
	@$(BIN)/xacct-nb lab $(OPTIONS)

workshop: $(READY) ## Open the workshop's sheets in JupyterLab, with a running sandbox
	@$(BIN)/xacct-nb workshop start $(OPTIONS)

sheets: $(READY) ## Make the workshop's notebooks and instructor's pages from their one source
	@$(BIN)/python -m xacct_nb.workshop.publish .

bench: $(READY) ## Run the benchmarks, one at a time
	@$(BIN)/python -m pytest tests/benchmarks -q -s -p no:xdist

pictures: $(READY) ## Make the README's pictures again, with Chromium
	@$(BIN)/python -m pytest tests/browser/pictures.py -q -p no:xdist

dist: $(READY) ## Build the sdist and the wheel into dist/
	@$(BIN)/python -m hatchling build

lint: $(READY) ## Check style, format, types and the layers of the imports
	@printf '== Style\n'
	@$(BIN)/python -m ruff check
	@printf '\n== Format\n'
	@$(BIN)/python -m ruff format --check
	@printf '\n== Types\n'
	@$(BIN)/python -m mypy
	@printf '\n== Layers\n'
	@$(BIN)/lint-imports --no-logo

constraints: ## Resolve every version again and write constraints.txt
	@$(find_python); \
	fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	"$$python" -m venv "$$fresh/venv" && "$$fresh/venv/bin/pip" install -e '.[sandbox,test]' && \
	{ echo "# What .venv is made of: resolved from pyproject.toml on $$("$$python" -V) by 'make constraints'."; \
	  "$$fresh/venv/bin/pip" freeze --exclude-editable | grep -v '^-'; } > "$$fresh/constraints.txt" && \
	cp "$$fresh/constraints.txt" constraints.txt

clean: ## Remove the environment and all caches (records stay)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the folder that the environment was made for: a moved or broken one is made anew.
ifneq ($(shell $(BIN)/python -c '' 2>/dev/null && cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): pyproject.toml constraints.txt
	@rm -f $@; $(find_python); \
	echo "Making .venv with $$("$$python" -V) and the versions in constraints.txt: about 150 packages," \
	     "one to three minutes, once."; \
	if [ "$$(cat .venv/.folder 2>/dev/null)" = '$(CURDIR)' ] && $(BIN)/python -m pip --version >/dev/null 2>&1; \
	then :; else "$$python" -m venv --clear .venv && echo '$(CURDIR)' > .venv/.folder; fi && \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -c constraints.txt -e '.[sandbox,test]' && \
	echo '$(CURDIR)' > $@

# Sets $python to the first interpreter that runs, is new enough and can make an environment.
define find_python
python=; bare=; \
for each in $(PYTHONS); do \
  "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
  if "$$each" -c 'import venv, ensurepip; ensurepip.version()' >/dev/null 2>&1; \
  then python=$$each; break; else bare=$${bare:-$$each}; fi; \
done; \
if [ -z "$$python" ] && [ -n "$$bare" ]; then \
  version=$$("$$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
  echo "$$bare can make no environment: its venv module is not complete." >&2; \
  echo "On Debian or Ubuntu: apt-get install python$$version-venv, then run make again." >&2; exit 1; \
elif [ -z "$$python" ]; then \
  echo "No Python 3.11 or later was found (tried: $(strip $(PYTHONS)))." >&2; \
  echo "Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
fi
endef
