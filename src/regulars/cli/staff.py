"""`regulars staff`: the people who may log in to the console."""

import secrets
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app
from regulars.cli.installation import open_installation

staff = CommandTree(no_args_is_help=True, help="The people who may log in to the console.")
app.add_typer(staff, name="staff")

Email = Annotated[str, typer.Argument(help="The e-mail address that the person logs in with.")]


@staff.command("create-owner")
def create_owner(
    email: Email,
    name: Annotated[str, typer.Option(help="What others call the person.")] = "",
    language: Annotated[
        str, typer.Option(help="en or zh-hans; without it that of the browser at the first login.")
    ] = "",
) -> None:
    """Make an owner, who may do everything and invites the others, and print a password for the first login."""
    open_installation()
    from regulars.staff import operations  # noqa: PLC0415  needs the settings

    password = new_password()
    operations.create_owner(email=email, password=password, name=name, language=language)
    typer.echo(password)


@staff.command("password")
def password(email: Email) -> None:
    """Give a person a new password and print it; they are logged out everywhere."""
    open_installation()
    from regulars.staff import operations  # noqa: PLC0415  needs the settings

    fresh = new_password()
    operations.set_password(email=email, password=fresh)
    typer.echo(fresh)


@staff.command("list")
def list_people() -> None:
    """Show everybody who may log in."""
    open_installation()
    from regulars.staff.models import User  # noqa: PLC0415  needs the settings

    table = Table("e-mail", "name", "role", "active", "joined")
    for user in User.objects.order_by("email"):
        table.add_row(
            user.email, user.name, user.role, "yes" if user.is_active else "no", f"{user.joined_at:%Y-%m-%d}"
        )
    Console().print(table)


def new_password() -> str:
    """Return a password that nobody guesses and everybody can type: 80 random bits, in groups of four."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
