# Everyday commands. `just` lists them.

default:
    @just --list

# Everything that guards main
test *arguments:
    scripts/test {{arguments}}

# The tests that need no browser and no Spark
quick:
    uv run pytest -m "not e2e and not spark and not reliability"

# Put code into its form
format:
    uv run ruff format .
    uv run ruff check --fix .

# The shop on real data
demo:
    uv run regulars demo
