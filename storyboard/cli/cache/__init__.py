"""`storyboard cache`: the store, and the shared cache."""

import click

from storyboard.cli.lazy import Lazy

SUBCOMMANDS = {
    "ls": "List the clips of the store.",
    "du": "Show what takes up the store's space.",
    "verify": "Check every byte of the store, and repair what can be.",
    "gc": "Show, or delete, what nothing needs any more.",
    "remote": "Show or set the shared cache.",
    "push": "Send clips to the shared cache.",
    "pull": "Fetch clips from the shared cache.",
    "unlock": "Let go of another seat's purchase lock.",
}


@click.group("cache", cls=Lazy, summaries=SUBCOMMANDS, package=__name__)
def command() -> None:
    """List, check, clean and share the clips of the store."""
