"""`storyboard approve`."""

from pathlib import Path

import click

from storyboard import report, verdict
from storyboard.cli import common
from storyboard.lock import Approval, Entry


@click.command("approve")
@click.argument("shots", metavar="SHOT...", nargs=-1, required=True)
@common.file_option
@common.pass_option
@click.option("--note", default="", help="Why, for the others.")
@click.option("--revoke", is_flag=True, help="Take an approval back.")
@common.json_option
def command(shots: tuple[str, ...], file: Path, pass_: str | None, note: str, revoke: bool, as_json: bool) -> None:
    """Approve the clip that a shot has now.

    The approval is written into the lock, with your name as git knows it, and holds for this very clip: once the shot
    is changed and rendered anew, it isn't approved any more. 'render --only approved' makes the approved shots.
    """
    project = common.open_project(file, as_json=as_json)
    film, pass_id = common.film_of(project, pass_, as_json=as_json)
    named = common.chosen(film, shots)
    lock, made = project.lock, dict[str, Entry]()
    for shot in named:
        one = lock.get(shot, pass_id)
        if revoke and (one is None or one.approved is None):
            common.fail(f"{shot} isn't approved in pass {pass_id}")
        try:
            made[shot] = one if revoke and one else verdict.approvable(film, lock, project.store, pass_id, shot)
        except verdict.Unfit as error:
            common.fail(str(error))
    who, when = common.author(project.folder), common.moment()
    words = {shot: None if revoke else Approval(one.clip, one.key, who, when, note) for shot, one in made.items()}
    common.say(project, pass_id, made, "approved", words, as_json=as_json)
    if as_json:
        return
    for shot, one in made.items():
        how = "no longer approved" if revoke else f"approved by {report.safe(who)}"
        click.echo(f"{report.safe(shot)} in pass {pass_id}: {how} (clip {one.clip[:8]})")
