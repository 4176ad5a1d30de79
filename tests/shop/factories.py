"""Rows of the record for tests: every argument has a plain, valid default."""

import itertools
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from regulars.kernel.days import start_of_day
from regulars.shop.models import Business, Customer, Order, OrderLine, Product, Refund, Store

_numbers = itertools.count(1)


def make_business(*, time_zone: str = "UTC", currency: str = "GBP", holdout_bp: int = 0) -> Business:
    """A merchant whose advertising reaches everybody, unless told otherwise: most tests count messages."""
    return Business.objects.update_or_create(
        id=1,
        defaults={
            "name": "Corner Shop", "time_zone": time_zone, "currency": currency, "holdout_bp": holdout_bp,
        },
    )[0]  # fmt: skip


def make_store(*, code: str = "main") -> Store:
    return Store.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def make_customer(*, code: str | None = None, name: str = "", country: str = "") -> Customer:
    return Customer.objects.create(code=code or f"C{next(_numbers):05}", name=name, country=country)


def make_product(*, code: str | None = None, category: str = "Care", store: Store | None = None) -> Product:
    code = code or f"P{next(_numbers):05}"
    return Product.objects.create(
        store=store or make_store(), code=code, name=f"Wipes {code}", category=category
    )


def make_order(  # noqa: PLR0913  one argument a column
    *,
    customer: Customer | None = None,
    day: int = 20_000,
    amount_minor: int = 1_000,
    refunded_minor: int = 0,
    status: str = Order.Status.PAID,
    code: str | None = None,
    store: Store | None = None,
    coupons: dict[str, int | None] | None = None,
) -> Order:
    return Order.objects.create(
        store=store or make_store(),
        code=code or f"O{next(_numbers):05}",
        customer=customer or make_customer(),
        status=status,
        day=day,
        placed_at=start_of_day(day, ZoneInfo("UTC")) + timedelta(hours=12),
        amount_minor=amount_minor,
        refunded_minor=refunded_minor,
        coupons=coupons or {},
    )


def make_line(
    *, order: Order, product: Product | None = None, quantity: int = 1, amount_minor: int = 1_000
) -> OrderLine:
    return OrderLine.objects.create(
        order=order,
        key=str(next(_numbers)),
        product=product or make_product(store=order.store),
        quantity=Decimal(quantity),
        amount_minor=amount_minor,
    )


def make_refund(
    *,
    customer: Customer,
    order: Order | None = None,
    product: Product | None = None,
    amount_minor: int = 500,
    day: int = 20_001,
) -> Refund:
    return Refund.objects.create(
        store=make_store(),
        key=f"R{next(_numbers):05}",
        customer=customer,
        order=order,
        product=product,
        quantity=Decimal(1),
        amount_minor=amount_minor,
        day=day,
        refunded_at=start_of_day(day, ZoneInfo("UTC")),
    )
