"""`regulars people`: one person's data, out or away."""

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.kernel.errors import RegularsError

people = CommandTree(
    no_args_is_help=True, help="One person's data: a copy, an erasure, what a restored backup undid."
)
app.add_typer(people, name="people")

WhoArgument = Annotated[
    str,
    typer.Argument(
        metavar="CUSTOMER", help="The merchant's own customer id, an e-mail address or a phone number."
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", help="asked (by the person), platform (passed on by one), or duty (law or contract)."
    ),
]


class UnknownCustomerError(RegularsError):
    """Nobody, or more than one, is known by what was given."""

    code: ClassVar[str] = "unknown_customer"


class NotConfirmedError(RegularsError):
    """What cannot be undone must be asked for twice."""

    code: ClassVar[str] = "not_confirmed"


class UnknownReasonError(RegularsError):
    """The log needs one of a few reasons."""

    code: ClassVar[str] = "unknown_reason"


@people.command("export")
def export(
    who: WhoArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The zip to write.")],
    reason: ReasonOption = "asked",
    language: Annotated[str, typer.Option("--language", help="en or zh-hans.")] = "en",
) -> None:
    """Write everything that is kept of one person into a zip: data.json, and a page to read."""
    open_installation()
    from django.db import transaction  # noqa: PLC0415  needs the settings
    from django.utils import timezone, translation  # noqa: PLC0415

    from regulars.shop import operations, queries  # noqa: PLC0415

    now = timezone.now()
    customer_id = _found(who)
    with translation.override(language), transaction.atomic():
        made = queries.export_person(customer_id, business=queries.business().name, now=now)
        operations.note_export(
            customer_id=customer_id, reason=_reason(reason), by=None, rows=made.rows, now=now
        )
        unfinished = out.with_name(f".{out.name}.unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(made.content)
        unfinished.replace(out)
    notes.print(
        f"{sum(made.rows.values()):,} rows from {len(made.rows)} places written to {out}", markup=False
    )


@people.command("erase")
def erase(
    who: WhoArgument,
    reason: ReasonOption = "asked",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; nothing brings the person back.")] = False,
) -> None:
    """Erase one person: what tells who they are goes, their orders stay as figures."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.shop import operations, places  # noqa: PLC0415

    customer_id = _found(who)
    if not yes and typer.prompt(f"Type {who} again to erase this person for good") != who:
        raise NotConfirmedError("that was something else; nothing was erased")
    act = operations.erase_customer(customer_id=customer_id, reason=_reason(reason), now=timezone.now())
    try:
        places.finish([customer_id])
    except RegularsError as error:
        notes.print(f"The files are cleared by the next worker: {error}", markup=False)
    notes.print(f"{sum(act.rows.values()):,} rows in {len(act.rows)} places were cleared", markup=False)


@people.command("reapply")
def reapply() -> None:
    """Do again what a restored backup has undone: erasures, and consents that were taken back. Starting does it too."""
    open_installation(reapply=False)
    from regulars.shop import operations  # noqa: PLC0415  needs the settings

    done = operations.reapply_privacy_log()
    typer.echo(f"erased again     {done.erased}")
    typer.echo(f"taken back again {done.withdrawn}")


def _found(who: str) -> int:
    from regulars.shop import queries  # noqa: PLC0415  needs the settings

    found = queries.customers_known_as(who)
    if len(found) != 1:
        how_many = "nobody is" if not found else f"{len(found)} customers are"
        raise UnknownCustomerError(
            f"{how_many} known as {who!r}; give the customer id, an e-mail or a phone number"
        )
    return found[0]


def _reason(reason: str) -> str:
    from regulars.shop.models import PrivacyAct  # noqa: PLC0415  needs the settings

    choices = [value for value in PrivacyAct.Reason.values if value != PrivacyAct.Reason.RESTORED]
    if reason not in choices:
        raise UnknownReasonError(f"reason == {reason!r}, must be one of {', '.join(choices)}")
    return reason
