"""Write docs/reference/api.md from the OpenAPI document: uv run python scripts/api_reference.py."""  # noqa: INP001  a script

import os
import tempfile
from pathlib import Path

import django


def main() -> None:
    """Write the file. Neither a home folder nor a database is needed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("REGULARS_HOME", home)
        django.setup()
        from regulars.api.reference import markdown  # noqa: PLC0415  after the setup
        from regulars.api.routes import api  # noqa: PLC0415  after the setup

        target = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
        target.write_text(markdown(api.document()), encoding="utf-8")


if __name__ == "__main__":
    main()
