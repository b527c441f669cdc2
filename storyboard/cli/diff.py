"""`storyboard diff`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard import report
from storyboard.changes import Change
from storyboard.cli import common

if TYPE_CHECKING:
    from storyboard.diff import Diff

FORMATS = ("text", "json", "markdown", "html")


@click.command("diff")
@click.argument("revisions", nargs=-1, metavar="[REV [REV]]")
@common.file_option
@click.option("-p", "--pass", "pass_", metavar="PASS", help="Tell the costs of one pass, and of those it is made from.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Text by default; Markdown for a pull request.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write it to a file instead.")
@click.option("--clips", is_flag=True, help="Put small moving copies of the clips into the page.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs, as git diff does.")
@common.json_option
def command(
    revisions: Sequence[str],
    file: Path,
    pass_: str | None,
    format_: str | None,
    output: Path | None,
    clips: bool,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Show what changed between revisions, and its price.

    Without REV: the last commit against the working tree; with one: that revision against the working tree; with two,
    or A..B: against each other. A...B starts where the two parted. Libraries, references, model files and the lock
    are those of each revision.

    Told of each shot: added, removed, moved, renamed (known by its content), changed: field by field, old -> new;
    reviewed: approved, or that taken back. The cost of a change is that of the new side's clips that neither the old
    side asks for nor the store holds: a machine whose store is empty tells what the change costs all by itself.
    """
    if as_json and format_ not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_} contradict each other")
    as_json = as_json or format_ == "json"
    if format_ == "html" and output is None:
        raise click.UsageError("a page is a file: name it with -o diff.html")
    if clips and format_ != "html":
        raise click.UsageError("--clips is for a page: --format html")
    from storyboard.cli.revisions import holds, sides  # noqa: PLC0415 -- help reads no git
    from storyboard.diff import compare  # noqa: PLC0415

    with sides(file, revisions, as_json=as_json) as (old, new, store):
        priced = None
        if pass_ is not None:
            known = new.film.passes if new.film else {}
            if new.kept is None or pass_ not in known:
                raise click.UsageError(f"there is no pass '{report.safe(pass_)}' (known: {', '.join(known)})")
            priced = new.kept.behind(pass_)
        found = compare(old, new, holds(store), priced)
    if as_json:
        text = report.json_text(found.as_json()) + "\n"
    elif format_ == "markdown":
        from storyboard import markdown  # noqa: PLC0415

        text = markdown.diff(found)
    elif format_ == "html":
        from storyboard.page import Pictures, of_diff  # noqa: PLC0415 -- decoders

        first = [pass_] if pass_ is not None else []
        text = of_diff(found, Pictures(store, common.workers()), first, moving=clips)
        store.memo.save()
    else:
        text = _text(found, color=output is None and common.color(sys.stdout))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
    if exit_code and not found.is_same:
        raise click.exceptions.Exit(1)


_COLORS = {
    "added": "green",
    "removed": "red",
    "moved": "cyan",
    "renamed": "magenta",
    "changed": "yellow",
    "reviewed": "blue",
}


def _text(found: "Diff", *, color: bool) -> str:
    """What differs of the film, then of each shot, then the counts and costs."""
    from storyboard.diff import words  # noqa: PLC0415 -- as above

    lines = [*_changes(found.changes, "")]
    lines += [f"{line}  ({count} shots)" for change, count in found.shared.items() for line in _changes([change], "")]
    lines += [""] * bool(lines)
    shots = [shot for shot in found.shots if not shot.is_same]
    names = [report.safe(shot.name) for shot in shots]
    width = max(map(len, names), default=0)
    for shot, name in zip(shots, names, strict=True):
        kinds = ", ".join(click.style(kind, fg=_COLORS[kind]) if color else kind for kind in shot.kinds)
        cost = f"  {words.prices(shot)}" if shot.new else ""
        lines.append(f"{click.style(name, bold=True) if color else name}{' ' * (width - len(name))}  {kinds}{cost}")
        own = [change for change in shot.changes if change not in found.shared]
        lines += _changes(own, "    ")
        if shared := [change.field for change in shot.changes if change in found.shared]:
            lines.append(f"    as above: {report.safe(', '.join(shared))}")
    names_of = f"{report.safe(found.old.name)} -> {report.safe(found.new.name)}"
    lines.append(f"{names_of}: {words.counts(found)}; {words.costs(found)}")
    return "\n".join(lines) + "\n"


def _changes(changes: Sequence[Change], indent: str) -> list[str]:
    """A line a change, or two where it is long."""
    lines = []
    for change in changes:
        field = report.safe(change.field)
        short = f"{indent}{field}: {report.safe(change.note or f'{change.old} -> {change.new}')}"
        if change.note or len(short) <= _WIDTH:
            lines.append(short)
        else:
            lines += [f"{indent}{field}: {report.safe(change.old)}", f"{indent}  -> {report.safe(change.new)}"]
    return lines


_WIDTH = 110
