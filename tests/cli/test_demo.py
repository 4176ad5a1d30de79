"""`regulars demo --orders`: a shop's own file is counted in the currency that it names."""

from pathlib import Path

import pytest

from regulars.cli.demo import CurrencyUnclearError, set_up_business
from regulars.shop.models import Business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HEADER = "订单编号,下单时间,会员编号,商品编码,数量,单价,币种"


def counted_in(folder: Path, *lines: str, currency: str = "") -> str:
    path = folder / "订单.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    set_up_business(orders=path, column_map="", currency=currency, time_zone="Asia/Shanghai")
    return Business.objects.get().currency


def test_the_shop_counts_in_the_currency_that_the_file_names(tmp_path: Path) -> None:
    lines = (
        HEADER,
        "1,2026-11-05,A,P1,2,2.50,人民币",
        "2,2026-11-06,B,P1,1,2.50,CNY",
        "3,2026-11-06,B,P1,1,2.50,",
    )
    assert counted_in(tmp_path, *lines) == "CNY"


def test_a_file_that_names_none_is_said_to_be_taken_in_dollars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert counted_in(tmp_path, HEADER.removesuffix(",币种"), "1,2026-11-05,A,P1,2,2.50") == "USD"
    assert "names no currency: its amounts are taken to be USD" in " ".join(capsys.readouterr().err.split())


def test_a_file_of_several_currencies_is_asked_about(tmp_path: Path) -> None:
    lines = (HEADER, "1,2026-11-05,A,P1,2,2.50,EUR", "2,2026-11-06,B,P1,1,2.50,CNY")
    with pytest.raises(CurrencyUnclearError, match="CNY, EUR; choose the one to count in with --currency"):
        counted_in(tmp_path, *lines)
    assert not Business.objects.exists()
    assert counted_in(tmp_path, *lines, currency="EUR") == "EUR"
