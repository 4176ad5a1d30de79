"""The page docs/how-to/write-a-connector.md, followed: the folder that it shows is made, registered, and tells an order."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.connectors import CONNECTORS
from regulars.shop.models import Order
from tests.intake.shops import NOW, signature, work_all
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-connector.md"


def test_the_connector_of_the_how_to_is_written_from_the_page_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, payload = re.findall(
        r"^```(?:python|json)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )[:2]
    folder = tmp_path / "corner"
    folder.mkdir()
    (folder / "__init__.py").write_text(code)
    spec = importlib.util.spec_from_file_location("corner", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "corner", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(CONNECTORS, "corner", module.CORNER)
    make_business(currency="GBP")
    row = operations.connect(
        connector="corner",
        name="Corner",
        store_code="main",
        address="https://corner.example",
        secret="a secret",
        access={},
        by=None,
        now=NOW,
    )
    body = json.dumps(json.loads(payload)).encode()
    headers = {"X-Corner-Signature": signature(body, "a secret"), "X-Corner-Topic": "sale"}
    assert operations.take_delivery(connector="corner", key=row.key, headers=headers, body=body, now=NOW)
    work_all()
    order = Order.objects.get()
    assert (order.code, order.amount_minor, order.customer.identifiers.get().value) == (
        "C-7",
        700,
        "ann@example.com",
    )
