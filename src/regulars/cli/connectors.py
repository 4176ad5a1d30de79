"""`regulars connectors`: the shops that are connected, from the command line."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress

connectors = CommandTree(no_args_is_help=True, help="Connected shops.")
app.add_typer(connectors, name="connectors")

ShopArgument = Annotated[
    int, typer.Argument(metavar="SHOP", help="Its number, as `connectors list` shows it.")
]


@connectors.command("list")
def list_shops() -> None:
    """List the connected shops: when they last sent, when they were last read, what waits, what was not understood."""
    open_installation()
    from regulars.intake.connectors import looking  # noqa: PLC0415  needs the settings

    table = Table("shop", "name", "platform", "address", "last webhook", "last read", "waiting", "parked")
    shops = looking.shops()
    for one in shops:
        read_at = one.last_filled.started_at if one.last_filled else None
        table.add_row(
            str(one.row.pk),
            escape(one.row.name),
            one.row.connector,
            escape(one.row.address),
            _moment(one.last_webhook_at),
            _moment(read_at),
            f"{one.waiting:,}",
            f"{one.parked:,}",
        )
    notes.print(table)
    for one in shops:
        for reason, count, detail in looking.parked_reasons(one.row.pk):
            notes.print(
                f"shop {one.row.pk}: {count:,} parked, {reason}: {detail}", markup=False, soft_wrap=True
            )


def _moment(at: datetime | None) -> str:
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@connectors.command("backfill")
def backfill(
    shop: ShopArgument,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Read what changed since this day (UTC); without it, everything there is.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Read a shop through its API, from where an earlier reading stopped."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415

    begun = operations.begin_backfill(
        connection_id=shop,
        since=since.replace(tzinfo=UTC) if since else None,
        by=None,
        now=timezone.now(),
    )
    with shown_progress() as progress:
        row = operations.run_backfill(
            backfill_id=begun.pk, now=timezone.now, sleep=time.sleep, progress=progress
        )
    notes.print(f"{row.state}: {row.changed:,} new or changed, {row.parked:,} parked")


@connectors.command("retry")
def retry(
    shop: ShopArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="REASON", help="Only what was parked for this; without it, everything."
        ),
    ] = "",
) -> None:
    """Read again what was not understood, after its cause was mended."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415
    from regulars.intake.connectors import looking  # noqa: PLC0415

    count = operations.retry(connection_id=shop, reason=reason)
    while operations.work_deliveries(now=timezone.now()):
        pass
    left = sum(parked for _reason, parked, _detail in looking.parked_reasons(shop))
    notes.print(f"{count:,} read again, {left:,} parked")


@connectors.command("reseal")
def reseal() -> None:
    """Seal the secrets of shops and channels with the installation's present secret, after it was exchanged (REGULARS_FORMER_SECRET_KEYS)."""
    open_installation()
    from regulars.intake import operations  # noqa: PLC0415  needs the settings
    from regulars.messaging.operations import channels  # noqa: PLC0415

    notes.print(f"{operations.reseal():,} secrets sealed anew, and those of {channels.reseal():,} channels")
