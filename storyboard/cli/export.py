"""`storyboard export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Never

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected

if TYPE_CHECKING:
    from storyboard.timeline import Timeline

NAMES = ("otio", "edl", "fcpxml", "srt", "vtt", "csv", "shotlist")
"""The formats of `storyboard.export`, here so that help imports none of them."""


@click.command("export")
@common.file_argument
@common.pass_option
@click.option("--format", "format_", type=click.Choice(NAMES), required=True, help="What to write.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="The file to write; - for standard output. By default build/<pass>/cut.<format>, or shotlist.md.",
)
@common.json_option
def command(file: Path, pass_: str | None, format_: str, output: str | None, as_json: bool) -> None:
    """Write the cut as OTIO, EDL, FCPXML, SRT or CSV.

    Makes no cut. Copies of the clips that otio, edl and fcpxml link to are put in build/<pass>/clips. Missing shots
    fall back to earlier passes, then to slates, as in the cut.
    """
    if as_json and output == "-":
        raise click.UsageError("--json and '-o -' both print to standard output: leave one out")
    project = common.open_project(file, as_json=as_json)
    from storyboard.timeline import Asked  # noqa: PLC0415 -- help needs none

    try:
        timeline = project.timeline(pass_, Asked(commit=common.commit(project.path)))
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error
    if not timeline.clips:
        _fail("every shot is skipped: there is nothing to export", timeline, as_json=as_json)
    path, text, slates = _written(project, timeline, format_, output, as_json=as_json)
    if path is None:
        click.echo(text, nl=False)
        return
    if as_json:
        answer = {
            "path": _relative(path, project.folder),
            "format": format_,
            "shots": len(timeline.clips),
            "frames": timeline.frames,
            "slates": slates,
        }
        common.print_json({"format": 1, "title": timeline.title, "pass": timeline.pass_id, "export": answer})
        return
    if slates:
        click.echo(f"slates: {', '.join(slates)}")
    shown = f"{report.count(len(timeline.clips), 'shot')}, {report.length(timeline.frames, timeline.fps)}"
    click.echo(f"{format_:<14} {report.safe(_relative(path, Path.cwd()))}  ({shown})")


def _written(
    project: Project, timeline: "Timeline", format_: str, output: str | None, *, as_json: bool
) -> tuple[Path | None, str, list[str]]:
    """Where the text was written (None for nowhere), the text, and the shots that are slates."""
    from storyboard import atomic, export  # noqa: PLC0415 -- decoders are imported when an export needs them

    format_of = export.FORMATS[format_]
    path = project.folder / project.build / timeline.pass_id / format_of.file
    target = None if output == "-" else path if output is None else Path(output).absolute()
    media = {}
    if format_of.links:
        media = export.placed(timeline, project.folder, project.build, project.store, _tell_unusable)
        project.store.memo.save()
    try:
        text = export.text(format_, timeline, media, target.parent if target else None)
    except export.Unexportable as error:
        _fail(str(error), timeline, as_json=as_json)
    if target:
        atomic.write(target, text.encode(), durable=False)
    slates = [clip.shot for clip in timeline.clips if (clip.shot not in media if format_of.links else not clip.media)]
    return target, text, slates


def _tell_unusable(shot: str, reason: str) -> None:
    click.echo(f"{shot}: its clip can't be used ({report.safe(reason)}); it is exported as a slate", err=True)


def _fail(reason: str, timeline: "Timeline", *, as_json: bool) -> Never:
    if as_json:
        answer = {"format": 1, "title": timeline.title, "pass": timeline.pass_id, "export": None, "error": reason}
        common.print_json(answer)
    else:
        click.echo(f"Error: {report.safe(reason)}", err=True)
    raise click.exceptions.Exit(common.PARTLY)


def _relative(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
