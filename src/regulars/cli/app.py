"""The `regulars` command tree, and what every command shares: `--home`, `--version`, how errors are told."""

import functools
import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from regulars.kernel.errors import RegularsError
from regulars.runtime import environment

# What people read beside a command's result: progress, remarks, errors.
notes = Console(stderr=True, highlight=False)

Command = TypeVar("Command", bound=Callable[..., object])


def _choose_home(folder: Path | None) -> None:
    if folder is not None:
        environment.HOME.put(str(folder.expanduser().resolve()))


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="The folder that holds this installation; without it REGULARS_HOME, or the system's usual place.",
        show_default=False,
    ),
]


class _TellsErrors(TyperGroup):
    """Tells expected errors in a sentence, without a traceback, and exits with 1."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401  Typer keeps its context class private
        try:
            return super().invoke(ctx)
        except RegularsError as error:
            notes.print(f"[bold red]error[/] {escape(str(error))} [dim]({error.code})[/]", soft_wrap=True)
            raise typer.Exit(1) from error


class CommandTree(typer.Typer):
    """A Typer whose every command also takes `--home`."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:  # noqa: ANN401  passes on Typer's own options
        """Add the decorated function as a command."""

        def register(function: Command) -> Command:
            super(CommandTree, self).command(name, **options)(_with_home(function))
            return function

        return register


def _with_home(function: Callable[..., object]) -> Callable[..., object]:
    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def run(*arguments: object, home: Path | None = None, **named: object) -> object:
        _choose_home(home)
        return function(*arguments, **named)

    option = inspect.Parameter("home", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=HomeOption)
    parameters = [*signature.parameters.values(), option]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # Typer would look behind it and miss the option
    return run


app = CommandTree(
    cls=_TellsErrors,
    no_args_is_help=True,
    help="Turn one-time buyers into regulars.",
    # For people; logs get the plain traceback.
    pretty_exceptions_enable=notes.is_terminal,
    pretty_exceptions_show_locals=False,  # they hold customers' data
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"regulars {version('regulars')}")
        raise typer.Exit


@app.callback()
def regulars(
    home: HomeOption = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Turn one-time buyers into regulars."""
    _choose_home(home)
