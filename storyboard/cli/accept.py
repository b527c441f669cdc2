"""`storyboard accept`."""

from pathlib import Path

import click

from storyboard import money, report, verdict
from storyboard.cli import common
from storyboard.lock import Acceptance, Entry


@click.command("accept")
@click.argument("shots", metavar="SHOT...", nargs=-1, required=True)
@common.file_option
@common.pass_option
@click.option("--note", default="", help="Why, for the others.")
@click.option("--revoke", is_flag=True, help="Ask for what the storyboard says again.")
@common.json_option
def command(shots: tuple[str, ...], file: Path, pass_: str | None, note: str, revoke: bool, as_json: bool) -> None:
    """Keep a stale clip as it is.

    The storyboard asks for another clip by now, and this one is good enough: it is written into the lock, with your
    name, and nothing is bought. It holds until the shot is changed again.
    """
    project = common.open_project(file, as_json=as_json)
    _, pass_id = common.film_of(project, pass_, as_json=as_json)
    asked = project.asked()
    lock, made = project.lock, dict[str, Entry]()
    for shot in common.chosen(asked, shots):
        one = lock.get(shot, pass_id)
        if revoke and (one is None or one.accepted is None):
            common.fail(f"{shot} isn't accepted as it is in pass {pass_id}")
        try:
            made[shot] = one if revoke and one else verdict.acceptable(asked, lock, project.store, pass_id, shot)
        except verdict.Unfit as error:
            common.fail(str(error))
    who, when = common.author(project.folder), common.moment()
    words: dict[str, Acceptance | None] = {}
    for shot in made:
        job = asked.job(pass_id, shot)
        words[shot] = None if revoke or not job or not job.key else Acceptance(job.key, who, when, note)
    common.say(project, pass_id, made, "accepted", words, as_json=as_json)
    if as_json:
        return
    for shot in made:
        job = asked.job(pass_id, shot)
        if revoke:
            click.echo(f"{report.safe(shot)} in pass {pass_id}: stale again")
            continue
        price = report.dollars(money.usd(job.cost)) if job else "nothing"
        saved = "" if job and job.local else f"; {price} not spent"
        click.echo(f"{report.safe(shot)} in pass {pass_id}: stays as it is, by {report.safe(who)}{saved}")
