"""`storyboard pick`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard.cli import common, retake, rewriting

if TYPE_CHECKING:
    from storyboard import rewrite
    from storyboard.model import Shot
    from storyboard.moves.takes import Taken


@click.command("pick")
@click.argument("shot")
@click.argument("take", type=click.IntRange(1, 9999))
@common.file_option
@retake.pass_option
@rewriting.dry_run_option
@common.json_option
def command(shot: str, take: int, file: Path, pass_: str | None, dry_run: bool, as_json: bool) -> None:
    """Let the film show one take of a shot.

    Where takes are listed it becomes their 'pick', and the others aren't made any more; else it is 'take: 2'. Says what
    a render will cost, where that clip isn't there; buys nothing.
    """
    from storyboard.moves import takes  # noqa: PLC0415 -- a command imports what it needs

    def picked(its: "Shot", path: "rewrite.Path", pass_id: str) -> "Taken":
        return takes.picked(its, path, take, pass_id)

    retake.run(picked, shot, file, pass_, dry_run=dry_run, as_json=as_json)
