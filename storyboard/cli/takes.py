"""`storyboard takes`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import did_you_mean
from storyboard.lock import Place

if TYPE_CHECKING:
    from storyboard.film import Film
    from storyboard.takes import Roll


@click.command("takes")
@click.argument("shot")
@common.file_option
@common.pass_option
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="The picture, a JPEG.")
@common.json_option
def command(shot: str, file: Path, pass_: str | None, output: Path | None, as_json: bool) -> None:
    """Show a shot's takes side by side.

    Those that the storyboard lists, and those that are here or were bought though it lists them no more: a take is the
    same request with another seed. Their clips are copied to build/PASS/takes/SHOT/, and a picture beside it has the
    first, the middle and the last frame of each. 'storyboard take' rolls again, 'storyboard pick' shows another.
    """
    project = common.open_project(file, as_json=as_json)
    film, pass_id = common.film_of(project, pass_, as_json=as_json)
    shot = normalize("NFC", shot)
    if shot not in film.numbers:
        common.fail(f"there is no shot '{shot}': {did_you_mean(shot, film.numbers)}")
    rolls = _rolls(project, film, pass_id, shot)
    if not rolls:
        common.fail(f"{shot} has no takes in pass {pass_id}: {_why_none(film, pass_id, shot)}")
    clips = _place(project, pass_id, shot, rolls)
    picture, troubles = _draw(project, film, pass_id, shot, rolls, output)
    project.store.memo.save()
    for trouble in troubles:
        click.echo(f"warning: {report.safe(trouble)}", err=True)
    if as_json:
        from storyboard.takes import as_json as told  # noqa: PLC0415

        its = [told(roll, clips[roll.number].as_posix() if roll.number in clips else None) for roll in rolls]
        shown = {"format": 1, "shot": shot, "pass": pass_id, "takes": its}
        common.print_json(shown | {"picture": picture.as_posix() if picture else None})
        return
    common.print_table(_HEAD, [_row(roll) for roll in rolls], right=("take", "seed", "price"))
    if all(roll.seed is None for roll in rolls):
        click.echo(f"{rolls[0].step.job.model if rolls[0].step.job else 'its model'} takes no seed: there is one take")
    if picture:
        click.echo(f"side by side  {report.safe(_near(project.folder / picture))}")


def _near(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


_HEAD = ("take", "seed", "film", "state", "price", "when", "id", "approved")


def _row(roll: "Roll") -> tuple[str, ...]:
    film = "shown" if roll.is_shown else "listed" if roll.is_listed else "-"
    by = roll.approval.by.partition(" <")[0] if roll.approval else "-"
    cells = (
        "earlier" if roll.number is None else str(roll.number),
        "-" if roll.seed is None else str(roll.seed),
        film if roll.number is not None else "accepted",
        roll.state,
        report.dollars(money.usd(roll.price)),
        roll.at[:16].replace("T", " ") or "-",
        roll.id or "-",
        by,
    )
    return tuple(report.safe(cell) for cell in cells)


def _rolls(project: Project, film: "Film", pass_id: str, shot: str) -> "list[Roll]":
    """The takes, by what the storyboard asks for; the clip that was accepted in their place stands beside them."""
    from storyboard import takes, verdict  # noqa: PLC0415
    from storyboard.plan import Known  # noqa: PLC0415

    asked, lock, models = project.asked(), project.lock, project.models()
    place = Place(shot, pass_id)
    is_accepted = place in verdict.accepted(asked, lock, project.store)
    compiled = asked if is_accepted else film
    job = compiled.job(pass_id, shot)
    bought = project.journal.latest() if job and not job.local else {}
    known = Known(project.store.find, lambda _pass, _shot: {}, bought.get, project.kept)
    rolls = takes.of(compiled, pass_id, shot, models, known, lock)
    if not is_accepted or not rolls:
        return rolls
    earlier = project.plan(pass_id, only=[shot]).mine()[shot]
    return takes.beside(rolls, earlier, lock)


def _why_none(film: "Film", pass_id: str, shot: str) -> str:
    from storyboard.job import Own  # noqa: PLC0415

    n = film.numbers[shot]
    if film.shots[n].skip:
        return "it is skipped"
    if isinstance(film.jobs[pass_id][n], Own):
        return "its clip is one of your own"
    return "the pass leaves it out ('only')"


def _place(project: Project, pass_id: str, shot: str, rolls: "list[Roll]") -> dict[int | None, Path]:
    """Copies of the takes that are here, from the storyboard's folder, by number; what can't be written is left out."""
    from storyboard import shelf  # noqa: PLC0415

    there = {roll.number: roll.step._replace(take=roll.number) for roll in rolls if roll.number and roll.is_here}
    return {
        number: path
        for number, step in there.items()
        for path in shelf.place([(step, step.record)], project.folder, project.build, project.store).values()
    }


def _draw(
    project: Project, film: "Film", pass_id: str, shot: str, rolls: "list[Roll]", output: Path | None
) -> tuple[Path | None, list[str]]:
    """The picture, and what couldn't be shown on it; none where no take is here."""
    if not any(roll.is_here for roll in rolls):
        return None, []
    from storyboard import atomic, stills  # noqa: PLC0415 -- decoders are imported when there is something to show
    from storyboard.media import MediaError  # noqa: PLC0415
    from storyboard.takes import strip  # noqa: PLC0415

    of = film.shots[film.numbers[shot]]
    rows: list[Any] = []
    troubles = []
    for roll in rolls:
        made = None
        try:
            made = (
                stills.of(roll.step.record.outputs["clip"], stills.part(of), project.store)
                if roll.step.record
                else None
            )
        except MediaError as error:
            troubles.append(f"take {roll.number} can't be shown: {error}")
        rows.append(strip.Row(roll, made))
    path = output.absolute() if output else project.folder / project.build / pass_id / "takes" / f"{shot}.jpg"
    with atomic.replacing(path, durable=False) as temporary:
        strip.make(rows, film, pass_id, of, temporary)
    return path if output else path.relative_to(project.folder), troubles
