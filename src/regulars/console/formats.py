"""Numbers, money and days as the pages write them: as every room that writes for people does."""

from regulars.insights.formats import (
    count,
    count_rounded,
    day,
    decimal,
    locale_name,
    moment,
    money,
    money_rounded,
    month,
    percent,
    signed,
)

__all__ = [
    "count",
    "count_rounded",
    "day",
    "decimal",
    "locale_name",
    "moment",
    "money",
    "money_rounded",
    "month",
    "percent",
    "signed",
]
