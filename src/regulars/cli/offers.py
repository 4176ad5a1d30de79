"""`regulars offers`: list them, draw their codes, take codes and uses away, give back what is held too long."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.export import write_csv
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress

offers = CommandTree(no_args_is_help=True, help="Offers and their codes.")
app.add_typer(offers, name="offers")

OfferArgument = Annotated[int, typer.Argument(metavar="ID", help="The offer.")]
OutOption = Annotated[str, typer.Option(metavar="FILE", help="Where to write; - for standard output.")]


@offers.command("list")
def list_offers(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Print the offers with their states, uses and costs."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.offers import queries  # noqa: PLC0415

    rows = queries.offers(now=timezone.now())
    if as_json:
        told = [
            {
                "id": row.offer.pk,
                "name": row.offer.name,
                "kind": row.offer.kind,
                "state": row.state,
                "codes": row.issued,
                "redeemed": row.redeemed,
                "cost_minor": row.cost_minor,
                "budget_minor": row.offer.budget_minor,
            }
            for row in rows
        ]
        typer.echo(json.dumps({"offers": told}, indent=2, ensure_ascii=False))
        return
    table = Table("id", "offer", "state")
    for name in ("codes", "redeemed", "cost, minor units"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row.offer.pk),
            row.offer.name,
            row.state,
            f"{row.issued:,}",
            f"{row.redeemed:,}",
            f"{row.cost_minor:,}",
        )
    Console().print(table)


@offers.command("codes")
def make_codes(
    offer: OfferArgument,
    count: Annotated[int, typer.Option(metavar="NUMBER", help="How many, 1 to 1,000,000.")],
    source: Annotated[
        str, typer.Option(metavar="TEXT", help="What they are for; the list of codes tells it.")
    ] = "",
) -> None:
    """Draw codes that nobody can guess, for whoever gets them. Take them away with `export`."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.offers import operations  # noqa: PLC0415

    with shown_progress() as progress:
        made = operations.generate(offer, count=count, source=source, now=timezone.now(), progress=progress)
    notes.print(f"{made:,} codes made")


@offers.command("export")
def export_codes(offer: OfferArgument, out: OutOption = "-") -> None:
    """Write every code of an offer as CSV: code, customer id, source, given, good until, uses, withdrawn."""
    open_installation()
    from regulars.offers import queries  # noqa: PLC0415  needs the settings

    queries.offer(offer)
    head = ["code", "customer_id", "source", "issued_at", "expires_at", "uses", "withdrawn_at"]
    notes.print(
        f"{write_csv(out, head, queries.codes(offer)):,} codes written to {out}", soft_wrap=True, markup=False
    )


@offers.command("release")
def release() -> None:
    """Give back codes that baskets held beyond their time. A worker does so every minute; this is for who waits."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.offers.redeeming import link_orders, release_expired  # noqa: PLC0415

    released = release_expired(now=timezone.now())
    notes.print(f"{released:,} uses given back, {link_orders():,} joined with their orders")
