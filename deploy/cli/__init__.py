"""The command `concerto`: one file for each group of commands, heavy imports inside them.

To add a command, write a function in the file of its noun and register it on `app` there; a new
file is named in `GROUPS`.
"""

import sys
from importlib import import_module

from deploy.cli.common import app, console
from deploy.client import Refused

GROUPS = (
    "stack",
    "definitions",
    "orders",
    "imports",
    "operations",
    "deliveries",
    "overview",
    "reviews",
    "records",
    "actions",
    "login",
    "bench",
)


def main() -> None:
    """Run the command line; errors say what to do and end with a code of their own."""
    for group in GROUPS:
        import_module(f"deploy.cli.{group}")
    try:
        app()
    except Refused as error:
        console.print(f"[red]concerto:[/red] {error}", soft_wrap=True)
        sys.exit(error.code)


__all__ = ["main"]
