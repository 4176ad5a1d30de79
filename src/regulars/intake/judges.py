"""Which judge reads a kind of file."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from regulars.intake.files import Table
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.lines import Judge
from regulars.intake.mapping import Mapping
from regulars.intake.rows import RowJudge
from regulars.intake.understanding import understand
from regulars.shop.operations import attribute_rules

AnyJudge = Judge | RowJudge


def judge_for(  # noqa: PLR0913  what a judge is made of
    table: Table,
    mapping: Mapping,
    *,
    zone: ZoneInfo,
    exponent: int,
    currency: str,
    now: datetime,
    store_code: str,
    store_ids: Callable[[set[str]], dict[str, int]],
) -> AnyJudge:
    """Read a file once, and return the judge of its lines.

    Args:
        table: The open file.
        mapping: What is known of its columns; the judge's is complete.
        zone: The business's time zone.
        exponent: Decimals of the base currency.
        currency: The base currency.
        now: Moments more than a day after it are refused.
        store_code: The store of lines that name none.
        store_ids: Returns the ids of stores by code, making new ones.

    Raises:
        NeedsAnswerError: The file does not say how something is to be read.
        RegularsError: The mapping cannot be used on the file.
    """
    known = understand(table, mapping, zone=zone.key)
    if mapping.the_kind is ORDERS:
        return Judge(
            known=known,
            zone=zone,
            exponent=exponent,
            currency=currency,
            now=now,
            store_code=store_code,
            store_ids=store_ids,
        )
    return RowJudge(
        known=known,
        zone=zone,
        exponent=exponent,
        currency=currency,
        now=now,
        store_code=store_code,
        store_ids=store_ids,
        attributes=attribute_rules(mapping.attributes),
    )
