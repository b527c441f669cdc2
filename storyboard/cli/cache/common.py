"""What the commands share that speak to the shared cache."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Never

import click

from storyboard import report
from storyboard.cli import common
from storyboard.remote import Unreachable, open_remote
from storyboard.remote.chosen import Chosen, Damaged, Misspelt, wanted

if TYPE_CHECKING:
    from storyboard.remote import Remote


def the_remote(project_folder: Path) -> "Remote | None":
    """The shared cache that a storyboard's folder has, asked nothing yet; None without one.

    One that can't be used as it stands ends the command with status 5.
    """
    url = the_url(project_folder)
    if url is None:
        return None
    try:
        return open_remote(url, os.environ, asyncio.sleep)
    except Unreachable as error:
        unconfigured(str(error))


def the_url(project_folder: Path) -> str | None:
    """The URL of it, of the environment or chosen; one that isn't ends the command with status 5."""
    try:
        return wanted(project_folder, os.environ, the_choices())
    except (Misspelt, Damaged) as error:
        unconfigured(str(error))


def the_choices() -> Chosen:
    """The user's own file of remotes (XDG Base Directory Specification 0.8)."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".config"
    return Chosen(base / "storyboard" / "remotes.json")


def unconfigured(reason: str) -> Never:
    """Say what is missing, and end with status 5."""
    click.echo(f"Error: {report.safe(reason)}", err=True)
    raise click.exceptions.Exit(common.UNCONFIGURED)
