"""`storyboard cut`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from storyboard import report
from storyboard.cli import common, trust
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.tools import Tools

PRESETS = ("web", "review", "prores")


@click.command("cut")
@common.file_argument
@common.pass_option
@click.option("--burn-in/--no-burn-in", default=None, help="Names and timecodes in the picture, or a clean one.")
@click.option("--watermark", metavar="TEXT", help="Words across the picture, with the other burn-ins.")
@click.option("--leader/--no-leader", default=None, help="A slate and a countdown before the film.")
@click.option(
    "--subtitles", type=click.Choice(["none", "soft", "burn"]), help="The dialogue as a track, or in the picture."
)
@click.option(
    "--preset", type=click.Choice(PRESETS), help="A delivery beside the cut: for the web, for reviews, or as ProRes."
)
@common.json_option
def command(
    file: Path,
    pass_: str | None,
    burn_in: bool | None,
    watermark: str | None,
    leader: bool | None,
    subtitles: str | None,
    preset: str | None,
    as_json: bool,
) -> None:
    """Make the cut from the clips that are there. Missing shots fall back to earlier passes, then to slates."""
    if watermark and burn_in is False:
        raise click.UsageError("a watermark is burned in: leave out --watermark or --no-burn-in")
    if preset == "review" and burn_in is None:
        burn_in = True
    project = common.open_project(file, as_json=as_json)
    trust.require(project, as_json=as_json)
    plan = common.make_plan(project, pass_, as_json=as_json)
    tools = common.find_tools()
    with Display(quiet=as_json) as display:
        wanted = {"burn_in": burn_in, "watermark": watermark, "leader": leader, "subtitles": subtitles}
        cut = make_cut(project, plan.pass_id, tools, display, wanted)
        delivery = _deliver(project, cut, preset, tools, display) if preset and not isinstance(cut, str) else {}
    if as_json:
        made = cut_json(cut) | ({"delivery": delivery} if delivery else {})
        common.print_json({"format": 1, "title": plan.title, "pass": plan.pass_id, **made})
    else:
        show_cut(project, cut)
        _show_delivery(project, delivery)
    if isinstance(cut, str) or cut.unusable or delivery.get("error"):
        raise click.exceptions.Exit(common.PARTLY)


def make_cut(
    project: Project,
    pass_id: str,
    tools: Tools,
    display: Display,
    wanted: Mapping[str, Any] | None = None,
    frozen: Any = None,
) -> Any:
    """The cut, or a text that says what stands in its way. `wanted` is what is asked of it besides the storyboard."""
    from storyboard.cut import CutFailed  # noqa: PLC0415 -- decoders are imported when a cut needs them
    from storyboard.timeline import Asked  # noqa: PLC0415

    tools = replace(tools, trusted=trust.trusted(project))
    asked = Asked(**(wanted or {}), date=common.today(), commit=common.commit(project.path))
    try:
        return project.cut(pass_id, tools, asked, workers=common.workers(), notify=display.show, frozen=frozen)
    except CutFailed as error:
        return str(error)


def _deliver(project: Project, cut: Any, preset: str, tools: Tools, display: Display) -> dict[str, Any]:
    """The `delivery` object of `cut --json`."""
    from storyboard.cut import deliver  # noqa: PLC0415
    from storyboard.media import MediaError  # noqa: PLC0415

    try:
        path = deliver.make(
            cut.path, preset, project.folder, project.store, tools, display.show, leader=cut.leader, wave=cut.wave
        )
    except (MediaError, OSError) as error:
        return {"preset": preset, "path": None, "error": f"the delivery can't be made: {error}"}
    finally:
        project.store.memo.save()
    return {"preset": preset, "path": path.as_posix()}


def _show_delivery(project: Project, delivery: Mapping[str, Any]) -> None:
    if delivery.get("error"):
        click.echo(f"Error: {report.safe(delivery['error'])}", err=True)
    elif delivery:
        click.echo(f"{delivery['preset']:<14} {_shown(project.folder) / delivery['path']}")


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
    click.echo(f"contact sheet  {folder / cut.contact_sheet}, {cut.pages.name}")


def _shown(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
