"""Files of every format and encoding become the same table."""
# ruff: noqa: DTZ001  a file's wall times have no zone

import gzip
import io
import json
import re
import tracemalloc
import zipfile
from datetime import datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from django.utils import translation

from regulars.intake import packed
from regulars.intake.encodings import EncodingUnclearError, UndecodableError
from regulars.intake.files import UnreadableFileError, open_table
from regulars.kernel.errors import RegularsError

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
        pytest.raises(UndecodableError, match="“klingon” is not known"),
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


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv" if "." not in name else name, content)
    return buffer.getvalue()


def test_what_no_letter_decides_is_asked_with_what_each_encoding_would_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes("заказ,покупатель\n1,Иванова Ольга\n".encode("cp1251"))
    with pytest.raises(EncodingUnclearError) as caught, open_table(path):
        pass
    assert {one.encoding for one in caught.value.readings} <= {"gb18030", "big5", "shift_jis", "cp1252"}
    with open_table(path, encoding="cp1251") as table:
        assert table.header == ("заказ", "покупатель")


SHORT_FILES = {
    "gb18030": ("订单号,日期,客户,金额\n1,2026-01-05,张,39.90\n", "订单编号;金额;标签\n1;39.90;\n"),
    "big5": ("單價,訂單號\n39.9,1\n", "幣種\t單價\nTWD\t12\n"),
}


@pytest.mark.parametrize("encoding", SHORT_FILES)
def test_a_short_file_is_told_by_the_names_of_its_columns(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "orders.csv"
    for text in SHORT_FILES[encoding]:
        path.write_bytes(text.encode(encoding))
        with open_table(path) as table:
            assert table.encoding == encoding
            assert list(table.header) == re.split("[,;\t]", text.splitlines()[0])


def test_letters_that_were_lost_before_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order,name\n1,M\ufffdller\n")
    with open_table(path) as table:
        assert table.is_damaged


def test_json_lines_become_a_table_with_a_column_for_every_key(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    records = [
        {"id": 12345678901234567890, "at": "2026-01-05", "customer": {"email": "a@b.c"}, "price": 1.005},
        {"id": 2, "customer": {"email": None, "tags": ["x"]}, "price": 2, "note": 'a,b\n"c"'},
    ]
    path.write_bytes(gzip.compress("\n\n".join(map(json.dumps, records)).encode()))
    with open_table(path) as table:
        assert table.header == ("id", "at", "customer.email", "price", "customer.tags", "note")
        rows = table.rows.collect()
    assert rows["line"].to_list() == [1, 2, 3]
    assert rows.row(0)[1:6] == ("12345678901234567890", "2026-01-05", "a@b.c", 1.005, None)
    assert rows.row(2)[3:7] == (None, 2.0, '["x"]', 'a,b\n"c"')


@pytest.mark.parametrize("written", ["[{}]", "\ufeff \n[\n  {}\n]\n\n"])
def test_a_list_of_json_records_reads_as_its_records_one_a_line(tmp_path: Path, written: str) -> None:
    records = [
        {"id": 12345678901234567890, "customer": {"email": "a@b.c"}, "note": ']},{[\n\\"'},
        {"id": 2, "price": 1.50, "tags": [1, {"a": []}]},
        {},
        {"id": 3, "note": "包" * 700_000},
    ]
    lines, array = tmp_path / "orders.jsonl", tmp_path / "orders.json"
    lines.write_text("\n".join(map(json.dumps, records)))
    array.write_text(
        written.format(" ,\n ".join(json.dumps(one, indent=3, ensure_ascii=False) for one in records)),
        encoding="utf-8",
    )
    with open_table(lines) as expected, open_table(array) as found:
        assert found.header == expected.header
        assert found.rows.collect().equals(expected.rows.collect())
        assert len(found.rows.collect()) == 4


def test_what_is_no_record_in_a_list_is_refused_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    path.write_text('[{"a": 1}, 17, "x", [2], null, {"a": 3}]')
    with open_table(path) as table:
        rows = table.rows.collect()
    assert rows["c0"].to_list() == [1, None, None, None, None, 3]
    assert rows["broken"].to_list() == [None, "17", '"x"', "[2]", "null", None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"a": 1}, {"a": ', "record 2"),
        ('[{"a": 1} {"a": 2}]', "record 2"),
        ('[{"a": 1}, {a: 2}]', "record 2"),
        ('[{"a": 1}] x', "ends"),
        ('[{"a": 1}', "record 1"),
        ("[ ]", "object"),
        ("[{}]", "object"),
    ],
)
def test_a_list_that_is_broken_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "orders.json"
    path.write_text(text)
    with pytest.raises(UnreadableFileError, match=said), open_table(path):
        pass


def test_a_list_of_records_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    with path.open("w") as file:
        file.write("[")
        for number in range(200_000):
            file.write(f'{"," if number else ""}\n{{"id": {number}, "note": "{"x" * 200}"}}')
        file.write("]")
    tracemalloc.start()
    with open_table(path) as table:
        flattened = tracemalloc.get_traced_memory()[1]
        assert table.rows.select(pl.len()).collect().item() == 200_000
    tracemalloc.stop()
    assert path.stat().st_size > 40_000_000
    assert flattened < 20_000_000


def test_lines_of_which_none_is_a_json_object_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text('{\n  "a": 1\n}\n')
    with pytest.raises(UnreadableFileError, match="no line is a JSON object"), open_table(path):
        pass


def test_zip_and_gzip_of_anything_are_unpacked(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "rows.parquet")
    ROWS.to_pandas().to_excel(tmp_path / "rows.xlsx", index=False)
    path = tmp_path / "upload"
    for inner in ("rows.parquet", "rows.xlsx"):
        content = (tmp_path / inner).read_bytes()
        for packed_file in (
            gzip.compress(content),
            zipped(**{inner: content}),
            gzip.compress(zipped(**{inner: content})),
        ):
            path.write_bytes(packed_file)
            with open_table(path) as table:
                assert table.header == ("order", "note", "qty")
                assert table.rows.collect().height == 2


def test_which_of_several_tables_is_meant_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(zipped(january=b"a\n1\n", february=b"b\n1\n", **{"__MACOSX/x": b"?"}))
    with pytest.raises(packed.WhichPartError) as caught, open_table(path):
        pass
    assert caught.value.parts == ("january.csv", "february.csv")
    with open_table(path, sheet="february.csv") as table:
        assert table.header == ("b",)


def test_the_first_sheet_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="Orders", index=False)
        pd.DataFrame({"b": [1]}).to_excel(writer, sheet_name="退款", index=False)
    with open_table(path) as table:
        assert (table.header, table.sheets) == (("a",), ("Orders", "退款"))
    with open_table(path, sheet="退款") as table:
        assert table.header == ("b",)
    with pytest.raises(UnreadableFileError, match="Orders, 退款"), open_table(path, sheet="x"):
        pass


@pytest.mark.parametrize("kind", ["gzip", "zip", "nested", "workbook"])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_HARMLESS_BYTES", 1 << 20)
    zeros = bytes(8 << 20)
    content = {
        "gzip": gzip.compress(zeros),
        "zip": zipped(bomb=zeros),
        "nested": zipped(**{"a.zip": zipped(**{"b.zip": zipped(**{"c.zip": b"a"})})}),
        "workbook": zipped(**{"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": zeros}),
    }[kind]
    path = tmp_path / "bomb"
    path.write_bytes(content)
    told = "packed more than 2 times" if kind == "nested" else "unpacks from"
    with pytest.raises(UnreadableFileError, match=told), open_table(path):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n", b"PK\x03\x04not a workbook", b"PAR1not parquet", b"\x1f\x8bnot gzip", b"a,b\n\x81\x00\xff,\x8d\n",
        b'{"a": 1', b",".join([b"a"] * 1_001), b'a,"' + b"x" * 200_000, zipped(**{".hidden": b"a"}),
        zipped(**{"a.zip": zipped(**{"b.zip": zipped(**{"c.zip": b"a"})})}), zipped(january=b"a\n1", february=b"b\n1"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_the_readers_language(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with translation.override("zh-hans"), pytest.raises(RegularsError) as caught, open_table(path) as table:
        table.rows.collect()
    assert re.search("[\u4e00-\u9fff]{3}", str(caught.value)), str(caught.value)
    assert not re.search("[a-z]+ [a-z]+ [a-z]+", str(caught.value)), str(caught.value)
