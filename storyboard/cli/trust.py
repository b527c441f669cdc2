"""`storyboard trust`, and the check of it by commands that run an author's own functions."""

import os
import shlex
from pathlib import Path
from typing import Never

import click

from storyboard import functions, report, trust
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected


@click.command("trust")
@click.argument("place", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option("--revoke", is_flag=True, help="Trust the folder no longer.")
@click.option("--list", "listed", is_flag=True, help="Show every folder that is trusted.")
@common.json_option
def command(place: Path, revoke: bool, listed: bool, as_json: bool) -> None:
    """Let effects run the code of a storyboard's own folder. What changes later is asked about again."""
    if revoke and listed:
        raise click.UsageError("--revoke and --list exclude each other")
    known = _known()
    try:
        if listed:
            _show(known.folders(), as_json=as_json)
        elif revoke:
            _revoke(known, place if place.is_dir() or not place.is_file() else place.parent, as_json=as_json)
        else:
            _allow(known, common.open_project(place, as_json=as_json), as_json=as_json)
    except trust.Damaged as error:
        _unconfigured(str(error))


def require(project: Project, *, as_json: bool) -> None:
    """End with status 5 where the film's effects run code that isn't trusted. Runs none of it, and sends nothing."""
    try:
        film = project.film()
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    if not trust.own(film):
        return
    place = project.folder if project.path.name == "storyboard.yaml" else project.path
    try:
        trust.require(film, project.folder, _known().files(project.folder), _command(place))
    except (trust.Untrusted, trust.Damaged) as error:
        _unconfigured(f"{error}; nothing was sent")


def trusted(project: Project) -> frozenset[str]:
    """The SHA-256 of the code that effects may run."""
    try:
        return frozenset(_known().files(project.folder).values())
    except trust.Damaged:
        return frozenset()


def _command(place: Path) -> str:
    shown = os.path.relpath(place)
    return "storyboard trust" if shown == "." else f"storyboard trust {shlex.quote(shown)}"


def _known() -> trust.Trust:
    """The user's own file (XDG Base Directory Specification 0.8)."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".config"
    return trust.Trust(base / "storyboard" / "trusted.json")


def _unconfigured(reason: str) -> Never:
    click.echo(f"Error: {report.safe(reason)}", err=True)
    raise click.exceptions.Exit(common.UNCONFIGURED)


def _allow(known: trust.Trust, project: Project, *, as_json: bool) -> None:
    try:
        film = project.film()
        modules = trust.needed(film, project.folder)
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    except functions.Unreadable as error:
        _unconfigured(str(error))
    files = {module.path: module.sha256 for module in modules.values()}
    if files:
        known.allow(project.folder, modules)
    folder = str(project.folder.resolve())
    if as_json:
        common.print_json({"format": 1, "folder": folder, "functions": list(trust.own(film)), "files": files})
    elif files:
        click.echo(f"trusted {report.safe(folder)}: {report.safe(', '.join(files))}, as {_are(files)} now")
    else:
        click.echo("no effect is a function of the folder's own: there is nothing to trust")


def _are(files: dict[str, str]) -> str:
    return "it is" if len(files) == 1 else "they are"


def _revoke(known: trust.Trust, folder: Path, *, as_json: bool) -> None:
    was = known.revoke(folder)
    if as_json:
        common.print_json({"format": 1, "folder": str(folder.resolve()), "revoked": was})
    else:
        click.echo(f"{report.safe(str(folder.resolve()))} is {'no longer' if was else 'not'} trusted")


def _show(folders: dict[str, dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        common.print_json({"format": 1, "folders": folders})
        return
    for folder, files in folders.items():
        click.echo(f"{report.safe(folder)}: {report.safe(', '.join(files))}")
    if not folders:
        click.echo("no folder is trusted")
