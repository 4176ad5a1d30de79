"""Files of every format and encoding become the same table."""
# ruff: noqa: DTZ001  a file's wall times have no zone

import gzip
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from regulars.intake.encodings import UndecodableError
from regulars.intake.files import UnreadableFileError, open_table

pytestmark = pytest.mark.unit

CHINESE = "订单编号,买家会员名,宝贝标题,购买数量,买家实际支付金额,订单付款时间\n" + "".join(
    f"10{i},买家{i},婴儿柔湿巾八十抽家庭装,2,39.90,2026-01-05 10:00:00\n" for i in range(20)
)
TRADITIONAL = "訂單編號,買家,商品名稱,數量,金額,下單時間\n" + "".join(
    f"10{i},顧客{i},嬰兒濕紙巾八十抽家庭裝,2,39.90,2026-01-05 10:00:00\n" for i in range(20)
)
JAPANESE = "注文番号,お客様,商品名,数量,金額,注文日時\n" + "".join(
    f"10{i},山田さん{i},あかちゃんのおしりふき八十枚入り,2,3990,2026-01-05 10:00:00\n" for i in range(20)
)
WESTERN = "order,customer,product\n" + "".join(
    f"10{i},Müller{i},Crème brûlée à la carte\n" for i in range(20)
)


@pytest.mark.parametrize(
    ("text", "encoding", "detected"),
    [
        (CHINESE, "utf-8", "utf-8-sig"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (WESTERN, "cp1252", "cp1252"),
    ],
)
def test_the_encoding_of_a_text_is_found(tmp_path: Path, *, text: str, encoding: str, detected: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode(encoding))
    with open_table(path) as table:
        assert table.encoding == detected
        assert list(table.header) == text.splitlines()[0].split(",")
        assert list(table.sample(1)[0].values()) == text.splitlines()[1].split(",")


def test_a_wrong_encoding_is_told_and_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(CHINESE.encode("gb18030"))
    with pytest.raises(UndecodableError, match="not utf-8"), open_table(path, encoding="utf-8"):
        pass
    with (
        pytest.raises(UndecodableError, match="'klingon' is not known"),
        open_table(path, encoding="klingon"),
    ):
        pass
    path.write_bytes(b"a,b\n\x81\x00\xff,\x8d\n")
    with pytest.raises(UndecodableError, match="no known encoding"), open_table(path):
        pass


ROWS = pl.DataFrame({"order": ["1", "2"], "note": ["a;b\nc", 'say "hi"'], "qty": ["1", ""]})


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("packed", [False, True])
def test_texts_with_any_delimiter_and_packed_ones_are_read(
    tmp_path: Path, *, separator: str, packed: bool
) -> None:
    path = tmp_path / "orders.txt"
    content = ROWS.write_csv(separator=separator).encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    with open_table(path) as table:
        assert table.header == ("order", "note", "qty")
        rows = table.rows.collect()
        assert rows["line"].to_list() == [2, 3]
        assert rows["c1"].to_list() == ["a;b\nc", 'say "hi"']


def test_excel_and_parquet_keep_their_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"order": [1, 2], "at": [datetime(2026, 1, 5, 10)] * 2, "price": [1.5, 2.0]})
    frame.write_parquet(tmp_path / "orders.parquet")
    frame.to_pandas().to_excel(tmp_path / "orders.xlsx", index=False)
    for name in ("orders.parquet", "orders.xlsx"):
        with open_table(tmp_path / name) as table:
            rows = table.rows.collect()
            assert table.header == ("order", "at", "price")
            assert rows["c1"].to_list() == [datetime(2026, 1, 5, 10)] * 2
            assert rows["line"].to_list() == [2, 3]


def test_column_names_are_made_unique_and_never_empty(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("name,,name\n1,2,3\n")
    with open_table(path) as table:
        assert table.header == ("name", "column 2", "name (2)")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"PK\x03\x04not a workbook", b"PAR1not parquet", b"\x1f\x8bnot gzip"]
)
def test_what_is_no_table_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.bin"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError), open_table(path) as table:
        table.rows.collect()
