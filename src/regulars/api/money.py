"""Money as the API writes it."""

from ninja import Schema
from pydantic import ConfigDict, Field


class Money(Schema):
    """An amount in the base currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount_minor": 1999, "currency": "GBP"}]})

    amount_minor: int = Field(description="Integer of the currency's minor unit: pence, fen, yen.")
    currency: str = Field(description="ISO 4217 code.", pattern="^[A-Z]{3}$")
