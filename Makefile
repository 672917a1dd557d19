# Two commands do everything: `make run` and `make test`. Each sets up what it needs.
BIN := .venv/bin
UV := uv==0.13.9

.PHONY: run test check bench fuzz fix lock clean

run: .venv/ready
	@exec $(BIN)/darkroom up $(ARGS)

test: .venv/ready
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: .venv/ready
	$(BIN)/python -m tests.fuzz

fix: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Locks carry hashes and no addresses, so that any mirror of the index serves them. The third one
# holds what runs while the image is built: uv, our build backend, and what pyvips is built with.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet
lock: .venv/ready
	$(COMPILE) -o requirements.lock
	$(COMPILE) --all-extras -c requirements.lock -o requirements-dev.lock
	printf '$(UV)\nsetuptools>=80\ncffi\npkgconfig\n' | \
		$(subst pyproject.toml,-,$(COMPILE)) -c requirements.lock -o requirements-build.lock

.venv/ready: requirements-dev.lock pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	$(BIN)/python -m compileall -q src
	@touch $@

clean:
	rm -rf .venv .darkroom
