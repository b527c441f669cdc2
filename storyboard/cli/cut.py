"""`storyboard cut`."""

from pathlib import Path
from typing import Any

import click

from storyboard import report
from storyboard.cli import common
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.tools import Tools


@click.command("cut")
@common.file_argument
@common.pass_option
@common.json_option
def command(file: Path, pass_: str | None, as_json: bool) -> None:
    """Make the cut from the clips that are there. Missing shots fall back to earlier passes, then to slates."""
    project = common.open_project(file, as_json=as_json)
    plan = common.make_plan(project, pass_, as_json=as_json)
    tools = common.find_tools()
    with Display(quiet=as_json) as display:
        cut = make_cut(project, plan.pass_id, tools, display)
    if as_json:
        common.print_json({"format": 1, "title": plan.title, "pass": plan.pass_id, **cut_json(cut)})
    else:
        show_cut(project, cut)
    if isinstance(cut, str) or cut.unusable:
        raise click.exceptions.Exit(common.PARTLY)


def make_cut(project: Project, pass_id: str, tools: Tools, display: Display) -> Any:
    """The cut, or a text that says what stands in its way."""
    from storyboard.cut import CutFailed  # noqa: PLC0415 -- decoders are imported when a cut needs them

    try:
        return project.cut(pass_id, tools, workers=common.workers(), notify=display.show)
    except CutFailed as error:
        return str(error)


def cut_json(cut: Any) -> dict[str, Any]:
    """The cut for `--json`; null, beside the error, where it could not be made."""
    return {"cut": None, "error": cut} if isinstance(cut, str) else {"cut": cut.as_json()}


def show_cut(project: Project, cut: Any) -> None:
    """Where the cut and the contact sheet are, and which shots another pass or a slate stands in for."""
    if isinstance(cut, str):
        click.echo(f"Error: {report.safe(cut)}", err=True)
        return
    stand_ins = {shot: source for shot, source in cut.sources.items() if source != cut.path.parent.name}
    for source in dict.fromkeys(stand_ins.values()):
        shots = ", ".join(shot for shot, of in stand_ins.items() if of == source)
        click.echo(f"{'slates' if source == 'slate' else f'from {source}'}: {shots}")
    folder = _shown(project.folder)
    state = "" if cut.made else ", unchanged"
    length = report.length(cut.frames, cut.fps)
    click.echo(f"cut            {folder / cut.path}  ({report.count(len(cut.sources), 'shot')}, {length}{state})")
    click.echo(f"contact sheet  {folder / cut.contact_sheet}")


def _shown(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
