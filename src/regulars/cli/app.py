"""The `regulars` command tree."""

import typer

app = typer.Typer(no_args_is_help=True, help="Turn one-time buyers into regulars.")
