"""`regulars sends`: what goes out, and senders beside those of the worker."""

import json
import signal
from threading import Event
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation

sends = CommandTree(no_args_is_help=True, help="What goes out to customers, and where it stands.")
app.add_typer(sends, name="sends")

SendArgument = Annotated[int, typer.Argument(metavar="SEND", help="Its number, as `sends list` shows it.")]
_SHOWN = 100


@sends.command("list")
def list_sends(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Print the latest hundred sends: whom they reached, whom not, and what they cost."""
    open_installation()
    from regulars.messaging import queries  # noqa: PLC0415  needs the settings

    rows = list(queries.sends()[:_SHOWN])
    funnels = queries.funnels([one.pk for one in rows])
    if as_json:
        told = [
            {
                "id": one.pk,
                "name": one.label,
                "state": "finished" if one.finished_at else one.state,
                "customers": funnels[one.pk].total,
                "reached": funnels[one.pk].reached,
                "held_back": funnels[one.pk].held_back,
                "failed": funnels[one.pk].failed,
                "uncertain": funnels[one.pk].uncertain,
                "under_way": funnels[one.pk].under_way,
                "cost_minor": str(funnels[one.pk].cost_minor),
            }
            for one in rows
        ]
        typer.echo(json.dumps({"sends": told}, indent=2, ensure_ascii=False))
        return
    table = Table(
        "send", "name", "state", "customers", "reached", "held back", "failed", "uncertain", "under way"
    )
    for one in rows:
        funnel = funnels[one.pk]
        counts = (
            funnel.total, funnel.reached, funnel.held_back, funnel.failed, funnel.uncertain, funnel.under_way,
        )  # fmt: skip
        table.add_row(
            str(one.pk),
            escape(one.label),
            "finished" if one.finished_at else one.state,
            *(f"{count:,}" for count in counts),
        )
    notes.print(table)


@sends.command("pause")
def pause(send: SendArgument) -> None:
    """Begin no more messages of a send."""
    open_installation()
    from regulars.messaging.operations.sends import pause_send  # noqa: PLC0415  needs the settings

    pause_send(send)


@sends.command("resume")
def resume(send: SendArgument) -> None:
    """Go on with a paused send."""
    open_installation()
    from regulars.messaging.operations.sends import resume_send  # noqa: PLC0415  needs the settings
    from regulars.messaging.tasks import request_sending  # noqa: PLC0415

    resume_send(send)
    request_sending()


@sends.command("cancel")
def cancel(send: SendArgument) -> None:
    """Hold back whatever of a send has not begun, for good."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.messaging.operations.sends import cancel_send  # noqa: PLC0415

    notes.print(f"{cancel_send(send, now=timezone.now()):,} messages held back")


@sends.command("retry")
def retry(
    send: SendArgument,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Also those who may have the message.")
    ] = False,
) -> None:
    """Try again those whom a send did not reach."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.messaging.operations.sends import send_to_unreached  # noqa: PLC0415
    from regulars.messaging.tasks import request_sending  # noqa: PLC0415

    notes.print(
        f"{send_to_unreached(send, now=timezone.now(), with_uncertain=uncertain):,} messages tried again"
    )
    request_sending()


@sends.command("work")
def work(
    lanes: Annotated[
        int, typer.Option(min=1, max=64, help="Messages that are on the wire at the same time.")
    ] = 8,
    once: Annotated[bool, typer.Option("--once", help="Leave when nothing is due.")] = False,
) -> None:
    """Send what is due until stopped, beside the worker: on this machine or on others with the same database."""
    open_installation()
    from regulars.messaging.sending import run_lanes  # noqa: PLC0415  needs the settings

    stop = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_told: stop.set())
    run_lanes(lanes=lanes, stop=stop, until_idle=once)
