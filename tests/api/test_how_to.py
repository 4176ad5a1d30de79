"""Everything on the page docs/how-to/use-the-api.md runs, against a served installation."""

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from regulars.intake.models import ColumnMap, Import
from regulars.intake.operations import run_import
from regulars.shop.models import Order
from tests.api.clients import Program
from tests.api.rows import make_shop
from tests.api.test_imports import MAPPING

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-api.md"


def snippets(language: str) -> str:
    return "\n".join(
        re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )


class Worker(threading.Thread):
    """Runs queued imports, as the worker process does."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            for row in Import.objects.filter(state=Import.State.QUEUED):
                run_import(import_id=row.pk, now=timezone.now())
        connection.close()


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_does_what_it_says(
    live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop()
    ColumnMap.objects.create(name="Back office", header=[], mapping=MAPPING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGULARS", live_server.url)
    monkeypatch.setenv("REGULARS_KEY", Program().plaintext)
    subprocess.run(["bash", "-euc", snippets("sh")], check=True, env=dict(os.environ))
    worker = Worker()
    worker.start()
    try:
        names: dict[str, object] = {}
        exec(compile(snippets("python"), str(PAGE), "exec"), names)  # noqa: S102  our own page
    finally:
        worker.done.set()
        worker.join()
    assert [customer["code"] for customer in names["vips"]] == ["alice"]  # type: ignore[attr-defined]  # by the page
    assert names["found"]["code"] == "alice"  # type: ignore[index]  # by the page
    assert Import.objects.filter(state="done", file_name="orders.csv").count() == 3
    assert Order.objects.filter(code="A1", store__code="taobao").count() == 1
