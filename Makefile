# Two commands: `make demo` shows the main job, `make test` proves it. Nothing is installed outside .venv/ and var/.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
LOCK ?= requirements/django52.txt
BIN := $(VENV)/bin
STARTED := $(shell date +%s)
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
LOCKER := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml

.PHONY: help demo serve test lint tests test-django42 test-under-fire test-browser audit messages screenshots lock clean

help:
	@echo 'make demo       sets up .venv/ and issues the demo'"'"'s certificates under var/'
	@echo 'make serve      opens its pages on localhost, and runs the configurations at their times'
	@echo 'make test       sets up .venv/ and runs every check and test'
	@echo 'make test-under-fire  kills, cuts, hangs and repeats: with real brokers and databases'
	@echo 'make test-browser  looks at every page in Chromium, and tells the stories of the documentation there'
	@echo 'make screenshots  makes pictures of every page and mail, in docs/screenshots/ (needs Chromium)'
	@echo 'make messages   renews the catalogs of translations (needs GNU gettext)'
	@echo 'make audit      looks for what is unsafe: in our code, in how it is deployed, in the packages;'
	@echo '                fails when a package cannot be looked up, but for AUDIT_OFFLINE=1 where none can'
	@echo 'make bench-run  measures the main job over 1,000 and 20,000 learners'
	@echo 'make bench-pdf  measures the PDF engine against the reference and the physical floor'
	@echo 'make bench-issue  measures issuing end to end, beside the reference and for large courses'
	@echo 'make bench-lms  measures what reading a course costs, inside the LMS and over HTTP'
	@echo 'make bench-pages  measures every page among 1,000,000 credentials'
	@echo 'make lock       renews requirements/*.txt (needs uv)'
	@echo 'make clean      removes .venv*/ and var/'

# The interpreter, checked; the locked dependencies, by hash; this package, editable.
$(READY): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Conferral needs Python 3.11 or 3.12. Debian: apt install python3 python3-venv; macOS: brew install python@3.12'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python has no venv. Debian: apt install python3-venv'; exit 1; }
	@echo 'Setting up $(VENV)/ (once; about a minute)…'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --no-deps --require-hashes -r $(LOCK)
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	@$(BIN)/conferral demo --since $(STARTED)

serve: $(READY)
	@$(BIN)/conferral serve $(ARGS)

test: lint tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/conferral makemigrations --check --dry-run

tests: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

# The other end of what Open edX runs.
test-django42:
	@$(MAKE) tests VENV=.venv-django42 LOCK=requirements/django42.txt

# Most of it is waiting, for clocks and leases.
test-under-fire: $(READY)
	@$(BIN)/pytest tests/fire -n 5 $(ARGS)

# Needs Chromium. Each story has a site of its own, served by the real processes.
test-browser: $(READY)
	@$(BIN)/pytest tests/browser -n 2 --dist loadgroup $(ARGS)

screenshots: $(READY)
	@PYTHONPATH=. $(BIN)/python docs/screenshots/make.py

messages: $(READY)
	@$(BIN)/python src/conferral/locale/make.py

# Servers that tests start, in an environment of their own: what they need is no concern of ours.
.venv-services: $(READY)
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip --quiet --disable-pip-version-check install 'moto[server]>=5.1,<6' reportlab weasyprint 'tutor>=20' tutor-minio 'swift>=2.38,<3' keystonemiddleware

# Our code, how a site is deployed, and what is known of the packages in the locks.
audit: $(READY) .venv-audit
	@.venv-audit/bin/bandit --quiet --recursive src --ini src/.bandit 2>/dev/null
	@home=$$(mktemp -d) && CONFERRAL_HOME=$$home CONFERRAL_PUBLIC_URL=https://credentials.example.com TRUSTED_PROXIES=127.0.0.1 \
		$(BIN)/conferral check --deploy --fail-level WARNING && rm -rf $$home
	@$(PYTHON) .ci/audit .venv-audit/bin/pip-audit requirements/django52.txt requirements/django42.txt

.venv-audit:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip --quiet --disable-pip-version-check install 'bandit>=1.9,<2' 'pip-audit>=2.9,<3'

# The driver of MySQL and MariaDB is compiled where it is installed, which a fresh machine may not be able to.
.venv-mariadb: $(READY)
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip --quiet --disable-pip-version-check install 'mysqlclient>=2.2.4,<3'

# bench-NAME prints a table; with JSON=1, JSON alone.
bench-%: $(READY)
	@$(BIN)/python bench/$*.py $(if $(JSON),--json) $(ARGS)

lock:
	$(LOCKER) --extra service --extra postgresql --extra s3 --extra redis --extra test --extra lint -o requirements/django52.txt
	echo 'django<5' | $(LOCKER) --extra postgresql --extra s3 --extra test -c - -o requirements/django42.txt

clean:
	rm -rf .venv .venv-* var
