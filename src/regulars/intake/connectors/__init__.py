"""The platforms whose shops can be connected. One that is added needs its folder and a line here."""

from typing import ClassVar

from regulars.intake.connectors.connector import Connector
from regulars.intake.connectors.shopify import SHOPIFY
from regulars.intake.connectors.woocommerce import WOOCOMMERCE
from regulars.kernel.errors import RegularsError

CONNECTORS: dict[str, Connector] = {
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
}


class UnknownConnectorError(RegularsError):
    """There is no connector of that name."""

    code: ClassVar[str] = "unknown_connector"


def connector_named(name: str) -> Connector:
    """Return a connector.

    Raises:
        UnknownConnectorError: There is none of that name.
    """
    try:
        return CONNECTORS[name]
    except KeyError:
        raise UnknownConnectorError(f"connector {name!r}, must be one of {', '.join(CONNECTORS)}") from None
