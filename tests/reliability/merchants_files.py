"""Twenty merchants' order files: what their cells say, and how each writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

# Written as the encodings' users write; every one a plain shop's header and goods.
HEADERS = {
    "zh": ["订单编号", "订单付款时间", "买家会员名", "联系手机", "宝贝标题", "购买数量", "买家实际支付金额"],
    "zh_TW": ["訂單編號", "訂單日期", "會員編號", "手機", "商品名稱", "數量", "金額"],
    "ja": ["注文番号", "注文日時", "会員番号", "電話番号", "商品名", "個数", "金額"],
    "en": ["Order ID", "Order Date", "Customer ID", "Phone", "Product Name", "Quantity", "Line Total"],
    "de": [
        "Bestellnummer",
        "Bestelldatum",
        "Kundennummer",
        "Telefon",
        "Artikelbezeichnung",
        "Menge",
        "Betrag (€)",
    ],
    "fr": [
        "Numéro de commande",
        "Date de commande",
        "Numéro client",
        "Téléphone",
        "Désignation",
        "Quantité",
        "Montant",
    ],
}
BUYERS = {
    "zh": ["张伟", "王芳", "李娜", "刘洋", "陈静", "杨帆", "赵敏", "黄磊"],
    "zh_TW": ["陳怡君", "林志明", "黃淑芬", "張家豪", "李雅婷", "王俊傑", "吳佩珊", "劉建宏"],
    "ja": [
        "佐藤さくら",
        "鈴木大輔",
        "高橋美咲",
        "田中けんじ",
        "伊藤ゆう子",
        "山本たろう",
        "中村あい",
        "小林誠",
    ],
    "en": ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"],
    "de": [
        "Jürgen Müller",
        "Käthe Groß",
        "Björn Schäfer",
        "Zoë Weiß",
        "Anna Becker",
        "Jörg Krüger",
        "Ute Löwe",
        "Max Bär",
    ],
    "fr": [
        "Élodie Lefèvre",
        "François Noël",
        "Hélène Dubois",
        "Léa Çelik",
        "Maël Fabre",
        "Zoé Perrin",
        "Luc Bénard",
        "Inès Roy",
    ],
}
GOODS = {
    "zh": ["婴儿柔湿巾八十抽家庭装", "宠物干粮鸡肉味十公斤", "手工咖啡豆深度烘焙", "儿童牙刷软毛三支装"],
    "zh_TW": ["嬰兒濕紙巾家庭號", "貓咪乾糧雞肉口味", "手沖咖啡豆深焙", "兒童牙刷軟毛三入"],
    "ja": ["あかちゃんのおしりふき", "ドッグフードチキン味", "コーヒー豆深煎り", "こども用歯ブラシ三本"],
    "en": ["Baby wipes 80", "Dog food 10 kg", "Dark roast beans", "Soft brush set"],
    "de": ["Feuchttücher für Babys", "Hundefutter Geflügel", "Kaffeebohnen kräftig", "Zahnbürste weich, groß"],
    "fr": ["Lingettes bébé", "Croquettes à la volaille", "Café en grains corsé", "Brosse à dents très souple"],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Writer:
    """How one merchant's system writes: language, delimiter, dates and numbers.

    `asks` names what nobody could know from the file alone.
    """

    language: str
    delimiter: str = ","
    date: str = "%Y-%m-%d %H:%M:%S"
    decimal: str = "."
    thousands: str = ""
    sign: str = "{}"
    days: int = 300
    rows: int = 40
    asks: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one line says."""

    order: str
    placed: datetime
    buyer: str
    phone: str
    product: str
    quantity: int
    amount: Decimal


WRITERS = {
    "taobao": Writer(language="zh"),
    "taobao_tabs": Writer(language="zh", delimiter="\t", sign="￥{}"),
    "tmall_small": Writer(language="zh", rows=3),
    "youzan": Writer(language="zh", date="%Y/%m/%d %H:%M", thousands=",", sign="{}元"),
    "chinese_dates": Writer(language="zh", date="%Y年%m月%d日", sign="¥{}"),
    "serials": Writer(language="zh", date="excel"),
    "taipei": Writer(language="zh_TW", date="%Y/%m/%d", sign="NT${}", thousands=","),
    "taipei_small": Writer(language="zh_TW", rows=4),
    "hong_kong": Writer(language="zh_TW", date="%d/%m/%Y", sign="HK$ {}", thousands=","),
    "rakuten": Writer(language="ja", date="%Y/%m/%d %H:%M:%S"),
    "tokyo": Writer(language="ja", delimiter="\t", date="%Y年%m月%d日"),
    "new_york": Writer(language="en", date="%m/%d/%Y", sign="${}", thousands=","),
    "london": Writer(language="en", date="%d/%m/%Y %H:%M", sign="£{}", thousands=","),
    "two_ways": Writer(language="en", date="%d/%m/%Y", days=0, asks=frozenset({"date_formats"})),
    "named_months": Writer(language="en", date="%d %b %Y"),
    "berlin": Writer(language="de", delimiter=";", date="%d.%m.%Y", decimal=",", thousands="."),
    "vienna": Writer(language="de", delimiter=";", date="%d.%m.%Y %H:%M", decimal=",", sign="{} €"),
    "zurich": Writer(language="de", delimiter=";", date="%d.%m.%Y", thousands="'"),
    "paris": Writer(language="fr", delimiter=";", date="%d/%m/%Y", decimal=",", thousands=" ", sign="{} €"),
    "montreal": Writer(language="fr", date="%Y-%m-%d", decimal=".", sign="{} $"),
}
ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb2312", "gb18030", "big5", "cp950", "cp932",
    "cp1252",
)  # fmt: skip


def lines_of(writer: Writer, rng: Random) -> Iterator[Line]:
    """Make a file's lines; where dates must stay ambiguous, days are up to the twelfth."""
    start = datetime(2024, 1, 3, 9, 30)  # noqa: DTZ001  a file's wall time
    for number in range(writer.rows):
        placed = start + timedelta(days=writer.days * number // writer.rows, minutes=rng.randrange(600))
        if not writer.days:
            placed = placed.replace(month=rng.randint(1, 12), day=rng.randint(1, 12))
        yield Line(
            order=f"{20240000 + number}",
            placed=placed,
            buyer=rng.choice(BUYERS[writer.language]),
            phone=f"138{rng.randrange(10**8):08}",
            product=rng.choice(GOODS[writer.language]),
            quantity=rng.randint(1, 5),
            amount=Decimal(rng.randint(100, 999_999)) / 100,
        )


def written(writer: Writer, lines: list[Line]) -> str:
    """Return the file's text."""
    rows = [HEADERS[writer.language]]
    rows += [
        [
            one.order,
            _date(writer, one.placed),
            one.buyer,
            one.phone,
            one.product,
            str(one.quantity),
            writer.sign.format(_number(writer, one.amount)),
        ]
        for one in lines
    ]
    return (
        "\r\n".join(writer.delimiter.join(_cell(cell, writer.delimiter) for cell in row) for row in rows)
        + "\r\n"
    )


def _date(writer: Writer, placed: datetime) -> str:
    if writer.date != "excel":
        return placed.strftime(writer.date)
    since = placed - datetime(1899, 12, 30)  # noqa: DTZ001
    return f"{since.days + since.seconds / 86_400:.6f}"


def _number(writer: Writer, amount: Decimal) -> str:
    plain = f"{amount:,.2f}"
    return plain.translate({ord(","): writer.thousands, ord("."): writer.decimal})


def _cell(cell: str, delimiter: str) -> str:
    return f'"{cell}"' if delimiter in cell else cell
