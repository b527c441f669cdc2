"""`storyboard merge-lock`."""

import sys
from pathlib import Path

import click

from storyboard import atomic, report
from storyboard.cli import common
from storyboard.diagnostic import Rejected
from storyboard.lock import EMPTY, Lock
from storyboard.lock.merge import merge
from storyboard.lock.text import parsed, written


@click.command("merge-lock")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("path", metavar="[PATH]", default="storyboard.lock")
@common.json_option
def command(base: Path, ours: Path, theirs: Path, path: str, as_json: bool) -> None:
    """Merge two versions of a lock: git's merge driver.

    OURS and THEIRS grew from BASE, which may be empty or absent; OURS becomes what both sides did. PATH is how the lock
    is called in messages. 'storyboard init --git' lets git run this. Where one of the two can't be read, nothing is
    written and the status is 1, which git takes for a conflict.
    """
    notes = []
    try:
        old = _lock(base, path)
    except Rejected:
        old = EMPTY
        notes.append("the version that both sides grew from can't be read, so what one side removed may be back")
    sides = [_side(ours, path, "our side", as_json=as_json), _side(theirs, path, "their side", as_json=as_json)]
    merged = merge(old, *sides)
    notes += merged.notes
    if sides[0] != merged.lock or not ours.exists():
        atomic.write(ours, written(merged.lock).encode())
    if as_json:
        common.print_json({"format": 1, "path": path, "notes": notes})
        return
    for note in notes:
        click.echo(f"{report.safe(path)}: {report.safe(note)}", err=True)


def _lock(file: Path, path: str) -> Lock:
    """A version of the lock; git has an empty file where a side has none."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return EMPTY
    return parsed(path, data) if data.strip() else EMPTY


def _side(file: Path, path: str, side: str, *, as_json: bool) -> Lock:
    try:
        return _lock(file, path)
    except Rejected as rejected:
        if as_json:
            common.print_json({**report.as_json(rejected.diagnostics), "side": side})
        else:
            found = report.findings(rejected.diagnostics, color=common.color(sys.stderr))
            click.echo(
                f"{found}\n{report.safe(path)}: {side} of the merge can't be read; git keeps the conflict", err=True
            )
        raise click.exceptions.Exit(common.HAS_ERRORS) from rejected
