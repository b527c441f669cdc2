"""`storyboard cache remote`."""

import asyncio
import os
from pathlib import Path

import click

from storyboard import digest, interrupt, report
from storyboard.cli import common
from storyboard.cli.cache.common import the_choices, the_url, unconfigured
from storyboard.remote import Unreachable, open_remote
from storyboard.remote.chosen import NONE, VARIABLE, Chosen, Damaged, Misspelt, checked_url

NOTHING = f"cas/{digest.sha256(b'')}"
"""A name that may be asked for anywhere."""


@click.command("remote")
@click.argument("url", required=False)
@click.option("--unset", is_flag=True, help="Have no shared cache any more.")
@common.file_option
@common.json_option
def command(url: str | None, unset: bool, file: Path, as_json: bool) -> None:
    """Show the shared cache of this storyboard, or set it: https://, http:// on this machine, or s3://BUCKET/PREFIX.

    It is kept in your own configuration, not in the project; STORYBOARD_REMOTE goes before it. Credentials are read
    from the environment, and kept nowhere.
    """
    if url is not None and unset:
        raise click.UsageError("a URL and --unset exclude each other")
    folder = file if file.is_dir() else file.absolute().parent
    if not folder.is_dir():
        raise click.UsageError(f"there is no folder {report.safe(str(folder))}")
    choices = the_choices()
    try:
        if unset:
            _unset(choices, folder, as_json=as_json)
        elif url is not None:
            _set(choices, folder, url, as_json=as_json)
        else:
            _show(folder, as_json=as_json)
    except Damaged as error:
        unconfigured(str(error))


def _show(folder: Path, *, as_json: bool) -> None:
    url = the_url(folder)
    told = os.environ.get(VARIABLE, "").strip()
    source = "environment" if told else "chosen" if url else None
    if as_json:
        common.print_json({"format": 1, "remote": url, "source": source})
    elif url:
        click.echo(report.safe(url) + (f" ({VARIABLE})" if told else ""))
    elif told == NONE:
        click.echo(f"no shared cache ({VARIABLE}={NONE})")
    else:
        click.echo("no shared cache: 'storyboard cache remote URL' sets one")


def _set(choices: Chosen, folder: Path, text: str, *, as_json: bool) -> None:
    try:
        url = checked_url(text)
    except Misspelt as error:
        raise click.UsageError(report.safe(str(error))) from error
    choices.choose(folder, url)
    trouble = interrupt.run(_trouble(url))
    told = os.environ.get(VARIABLE, "").strip()
    if as_json:
        common.print_json({"format": 1, "remote": url, "source": "chosen", "reachable": not trouble, "error": trouble})
        return
    click.echo(f"the shared cache is {report.safe(url)}")
    if trouble:
        click.echo(f"Warning: it can't be used now: {report.safe(trouble)}", err=True)
    if told and told != url:
        click.echo(f"Warning: {VARIABLE} is set, and goes before it", err=True)


async def _trouble(url: str) -> str | None:
    """Why a remote can't be used; None where it answers."""
    try:
        remote = open_remote(url, os.environ, asyncio.sleep)
        try:
            await remote.has(NOTHING)
        finally:
            await remote.close()
    except Unreachable as error:
        return str(error)
    return None


def _unset(choices: Chosen, folder: Path, *, as_json: bool) -> None:
    was = choices.unset(folder)
    if as_json:
        common.print_json({"format": 1, "remote": None, "was": was})
    else:
        click.echo(f"no shared cache any more; it was {report.safe(was)}" if was else "there was no shared cache")
