"""`storyboard take`."""

from pathlib import Path

import click

from storyboard.cli import common, retake, rewriting


@click.command("take")
@click.argument("shot")
@common.file_option
@retake.pass_option
@rewriting.dry_run_option
@common.json_option
def command(shot: str, file: Path, pass_: str | None, dry_run: bool, as_json: bool) -> None:
    """Roll a shot again: another take.

    It is the same request with another seed.

    'take: 2' becomes 'take: 3'; a list of takes gets one more, which becomes the pick where there is one. Says what a
    render will cost; buys nothing.
    """
    from storyboard.moves import takes  # noqa: PLC0415 -- a command imports what it needs

    retake.run(takes.another, shot, file, pass_, dry_run=dry_run, as_json=as_json)
