"""`regulars demo`: from a file of orders to the console, in one command."""

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import app, notes
from regulars.cli.demo_data import write_complete_journey
from regulars.cli.imports import bring_in, mapping_for, show_refused
from regulars.cli.installation import open_installation
from regulars.cli.jobs import run_jobs
from regulars.cli.progress import shown_progress
from regulars.cli.serve import serve_installation
from regulars.cli.staff import new_password
from regulars.kernel.days import date_of_day, day_of_instant, zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor
from regulars.runtime.home import Home, home_from_environment

if TYPE_CHECKING:
    from regulars.intake.models import Import

_OWNER = "owner@example.com"
_STORE = "main"
_ELSE = "USD"
# Orders that end longer ago than this make everybody look lost: figures are then as of the day after the last order.
_ENDED_LONG_AGO = timedelta(days=30)


class CurrencyUnclearError(RegularsError):
    """The file does not say in which one currency the shop counts."""

    code: ClassVar[str] = "currency_unclear"


class OtherOrdersError(RegularsError):
    """The home folder already holds another shop's orders."""

    code: ClassVar[str] = "other_orders"


@app.command("demo")
def demo(
    orders: Annotated[
        Path | None,
        typer.Option(
            "--orders",
            help="Your own file of order lines (CSV, TSV, Excel, Parquet) in place of Complete Journey.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    column_map: Annotated[
        str,
        typer.Option("--map", help="A JSON file, or a saved map's name, that says what the columns mean."),
    ] = "",
    currency: Annotated[
        str,
        typer.Option(
            help="What the amounts of your file are counted in; without it what the file's currency column says, else USD.",
            show_default=False,
        ),
    ] = "",
    time_zone: Annotated[
        str, typer.Option(help="Where your shop's midnight is, such as Asia/Shanghai.")
    ] = "UTC",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the console listens.")] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop when everything is computed.")] = False,
) -> None:
    """Import a shop's orders, work out what they mean, and open the console on them.

    Without --orders the shop is Complete Journey: 1,469,307 real order lines of 2,469 households. Starting it again
    loses nothing and repeats nothing.
    """
    began = time.monotonic()

    def fill() -> None:
        home = home_from_environment()
        set_up_business(orders=orders, column_map=column_map, currency=currency, time_zone=time_zone)
        done = _import(home, orders=orders, column_map=column_map)
        _compute(anew=done is not None, forecasts=no_serve)
        _show_figures()
        _tell_login()
        notes.print(f"ready after {time.monotonic() - began:.0f} s", markup=False)

    if no_serve:
        home = open_installation()
        fill()
        notes.print(
            f"Everything is in {home.root}. Open it with: regulars serve --home {home.root}", markup=False
        )
    else:
        serve_installation(host="127.0.0.1", port=port, prepare=fill)


def set_up_business(*, orders: Path | None, column_map: str, currency: str, time_zone: str) -> None:
    """Say once whose record it is, and in which currency it counts."""
    from regulars.shop.business import change_business  # noqa: PLC0415  needs the settings
    from regulars.shop.models import Business  # noqa: PLC0415

    if Business.objects.exists():
        return
    if orders is None:
        change_business(name="Complete Journey", time_zone="America/New_York", currency="USD", margin_bp=3000)
    else:
        counted_in = currency or _currency_of(orders, column_map)
        change_business(name="My shop", time_zone=time_zone, currency=counted_in, margin_bp=3000)


def _currency_of(orders: Path, column_map: str) -> str:
    """Return the one currency that the file's own column names, or say that dollars are meant where it has none.

    Raises:
        CurrencyUnclearError: It names several, or one that is none.
    """
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    mapping = mapping_for(orders, column_map) if column_map else queries.proposal(orders).mapping
    found = queries.currencies(orders, mapping)
    if not found:
        notes.print(
            f"{orders.name} names no currency: its amounts are taken to be {_ELSE}. "
            "If they are not, choose an empty folder with --home and say --currency CNY.",
            markup=False,
        )
        return _ELSE
    if len(found) > 1 or not re.fullmatch("[A-Z]{3}", found[0]):
        message = (
            f"{orders.name} has amounts in {', '.join(found)}; choose the one to count in with --currency"
        )
        raise CurrencyUnclearError(message, currencies=list(found))
    return found[0]


def _import(home: Home, *, orders: Path | None, column_map: str) -> "Import | None":
    """Bring the file into the record; None when it is there already."""
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415
    from regulars.intake.models import Import  # noqa: PLC0415

    if orders is None:
        with notes.status("writing Complete Journey as a merchant's file"):
            path, map_path = write_complete_journey(home.root / "demo")
        column_map = str(map_path)
    else:
        path = orders.resolve()
    registered = operations.register(path=path, store_code=_STORE, now=timezone.now())
    finished = Import.objects.filter(state=Import.State.DONE)
    if finished.filter(file_sha256=registered.file_sha256).exists():
        registered.delete()
        notes.print(f"{path.name} is in the record already", markup=False)
        return None
    demo_name = "complete-journey.parquet"
    is_mixed = (
        finished.exclude(file_name=demo_name) if orders is None else finished.filter(file_name=demo_name)
    )
    if is_mixed.exists():
        registered.delete()
        message = f"{home.root} already holds another shop's orders; choose an empty folder with --home"
        raise OtherOrdersError(message)
    row = bring_in(registered, mapping_for(path, column_map))
    show_refused(row)
    return row


def _compute(*, anew: bool, forecasts: bool) -> None:
    """Work out what the record means, and the list of whom to contact, unless that has been done.

    Without forecasts the labels are there in seconds; the run that the import asked for makes the forecasts, in the
    worker, while the console is open.
    """
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.insights import operations  # noqa: PLC0415
    from regulars.insights.models import Run  # noqa: PLC0415
    from regulars.shop.models import Business, Order  # noqa: PLC0415

    if not anew and Run.objects.filter(state=Run.State.DONE).exists():
        return
    last_day = Order.objects.order_by("-day").values_list("day", flat=True).first()
    today = day_of_instant(timezone.now(), zone_named(Business.objects.get().time_zone))
    if last_day is not None and today - last_day > _ENDED_LONG_AGO.days:
        operations.fix_day(as_of_day=last_day + 1)
    with shown_progress() as progress:
        operations.run(forecasts=forecasts, now=timezone.now(), progress=progress)
    with notes.status("making the list of whom to contact"):
        run_jobs({"wait": False, "queues": ["events"]})


def _show_figures() -> None:
    from regulars.reports.queries import kpis  # noqa: PLC0415  needs the settings
    from regulars.shop.models import Business  # noqa: PLC0415

    currency = Business.objects.get().currency
    found = kpis()
    before = found.before_refunds
    table = Table(
        title=None if found.as_of is None else f"as of {date_of_day(found.as_of)}", title_justify="left"
    )
    table.add_column("")
    table.add_column("before refunds", justify="right")
    table.add_column("after refunds", justify="right")
    table.add_row("orders", f"{before.orders:,}", f"{found.orders:,}")
    table.add_row("customers", f"{before.customers:,}", f"{found.customers:,}")
    table.add_row(
        f"revenue, {currency}",
        f"{from_minor(before.revenue_minor, currency):,}",
        f"{from_minor(found.revenue_minor, currency):,}",
    )
    table.add_row("ordered at least twice", _percent(before.repurchase_rate), _percent(found.repurchase_rate))
    console = Console()
    console.print(table)
    console.print(
        f"lines: {found.lines_accepted:,} accepted, {found.refunds_matched + found.refunds_unmatched:,} refunds "
        f"({found.refunds_matched:,} matched to an order, {found.refunds_unmatched:,} not), "
        f"{found.lines_rejected:,} rejected",
        highlight=False,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _tell_login() -> None:
    from regulars.staff import operations  # noqa: PLC0415  needs the settings
    from regulars.staff.models import User  # noqa: PLC0415

    if User.objects.exists():
        notes.print("Log in as before; `regulars staff password EMAIL` gives a new password.", markup=False)
        return
    password = new_password()
    operations.create_owner(email=_OWNER, password=password, name="Owner")
    Console().print(f"\nlog in as  [bold]{_OWNER}[/]\npassword   [bold]{password}[/]\n", highlight=False)
