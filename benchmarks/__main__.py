"""`uv run python -m benchmarks <name> [options]` runs one benchmark and prints its table; without a name, the list."""

import importlib
import pkgutil
import sys

import benchmarks

PARTS = ("__main__", "facts_from", "generator", "measure")


def main() -> None:
    """Hand the options over to the benchmark of that name."""
    modules = pkgutil.iter_modules(benchmarks.__path__)
    names = sorted(module.name for module in modules if module.name not in PARTS)
    asked = sys.argv[1] if sys.argv[1:] else ""
    if asked not in names:
        sys.exit(f"usage: python -m benchmarks {{{','.join(names)}}} [options]")
    sys.argv[:2] = [f"python -m benchmarks {asked}"]
    importlib.import_module(f"benchmarks.{asked}").main()


if __name__ == "__main__":
    main()
