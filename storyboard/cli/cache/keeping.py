"""What `ls`, `du`, `verify` and `gc` share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.keeping.needs import Needs, Unknown, add_locks, unknown
from storyboard.lock.file import beside

if TYPE_CHECKING:
    from collections.abc import Sequence


def needs_of(project: Project, also: "Sequence[Path]" = (), *, as_json: bool) -> "tuple[Needs, list[str]]":
    """Who needs what of the store, and why that isn't all that is known: nothing may be deleted then.

    `also` are folders of other storyboards that use the store.
    """
    needs, doubts = Needs(), list[str]()
    try:
        film, asked = project.film(), project.asked()
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    for one in (film, asked):
        needs.add_film(one)
    if shots := unknown(asked):
        doubts.append(
            f"what {', '.join(shots)} asks for isn't known: a reference isn't fetched; 'storyboard render' fetches it"
        )
    own = beside(project.path).name
    for folder in (project.folder, *also):
        try:
            add_locks(needs, folder, own, os.environ)
        except Unknown as error:
            doubts.append(str(error))
    needs.add_journal(project.journal)
    needs.add_owed(project.store.root)
    return needs, doubts


def warn(doubts: "Sequence[str]") -> None:
    """Tell why it isn't known who needs what."""
    for doubt in doubts:
        click.echo(f"warning: {report.safe(doubt)}", err=True)
