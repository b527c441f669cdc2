"""What the commands share: finding the storyboard, showing what is wrong with it, printing JSON and tables."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, TypeVar
from unicodedata import normalize

import click

from storyboard import report, selection, timing
from storyboard.compiler import Project, load
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.plan import Plan
from storyboard.tools import Tools

if TYPE_CHECKING:
    from storyboard.buy import Terms
    from storyboard.film import Film
    from storyboard.lock import Entry, Lock

HAS_ERRORS, USAGE, PARTLY, REFUSED, UNCONFIGURED = 1, 2, 3, 4, 5
"""Exit statuses: the storyboard has errors; usage; some shots failed; consent is missing; no client or key."""

Command = TypeVar("Command", bound=Callable[..., Any])


def file_argument(command: Command) -> Command:
    """FILE, by default storyboard.yaml here; a folder stands for the storyboard.yaml in it."""
    return click.argument("file", type=click.Path(path_type=Path), default=Path("storyboard.yaml"))(command)


def file_option(command: Command) -> Command:
    """-f, --file: the storyboard, where the argument is something else."""
    return click.option("-f", "--file", type=click.Path(path_type=Path), default=Path("storyboard.yaml"))(command)


def pass_option(command: Command) -> Command:
    """-p, --pass."""
    help_ = "The pass; by default the storyboard's default_pass."
    return click.option("-p", "--pass", "pass_", metavar="PASS", help=help_)(command)


def json_option(command: Command) -> Command:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def storyboard_file(file: Path) -> Path:
    """The storyboard's file, or a usage error where there is none."""
    path = file / "storyboard.yaml" if file.is_dir() else file
    if not path.exists():
        hint = "; 'storyboard init' writes one" if path.name == "storyboard.yaml" else ""
        raise click.UsageError(f"there is no file {report.safe(str(path))}{hint}")
    return path


def store_folder() -> Path | None:
    """STORYBOARD_STORE: another folder for clips."""
    folder = os.environ.get("STORYBOARD_STORE")
    return Path(folder).absolute() if folder else None


def open_project(file: Path, *, as_json: bool, rehearsal: bool = False, deleting: bool = False) -> Project:
    """The decoded storyboard; with errors, they are shown and the command ends. Unless it is the one that is
    `deleting`, nothing is deleted from its store until the command ends.
    """
    try:
        project = load(storyboard_file(file), store=store_folder(), rehearsal=rehearsal)
    except Rejected as rejected:
        reject(rejected.diagnostics, as_json=as_json)
    context = click.get_current_context(silent=True)
    if context is not None and not deleting:
        context.with_resource(project.store.used())
    return project


def make_plan(project: Project, pass_: str | None, only: Sequence[str] = (), *, as_json: bool) -> Plan:
    """The plan; errors in the storyboard end the command, warnings go to standard error."""
    try:
        plan = project.plan(pass_, only=only)
    except Rejected as rejected:
        reject(rejected.diagnostics, as_json=as_json)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error
    warnings = project.warnings(plan.pass_id)
    if warnings and not as_json:
        click.echo(report.findings(warnings, color=color(sys.stderr)), err=True)
    return plan


def refuse(reason: str) -> Never:
    """Say that nothing is done, and end with status 4."""
    click.echo(f"Refused: {report.safe(reason)}. Nothing was sent.", err=True)
    raise click.exceptions.Exit(REFUSED)


def reject(found: Sequence[Diagnostic], *, as_json: bool) -> Never:
    """Show what is wrong and end with status 1."""
    if as_json:
        print_json(report.as_json(found))
    else:
        click.echo(report.findings(found, color=color(sys.stderr)), err=True)
    raise click.exceptions.Exit(HAS_ERRORS)


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    click.echo(report.json_text(value))


def color(stream: Any) -> bool:
    """Whether a stream is a terminal that wants colour (no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on a terminal, plain columns elsewhere."""
    if not sys.stdout.isatty():
        click.echo(report.columns(head, rows))
        return
    from rich import box  # noqa: PLC0415 -- a no-op plan in CI doesn't pay for it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=name == "shot")
    styles = {"cached": "green", "submit": "yellow", "skipped": "dim", "unknown": "yellow"}
    styles |= {"approved": "bold green", "accepted": "green", "outdated": "magenta", "missing": "dim"}
    styles |= {"current": "green", "stale": "yellow", "resume": "cyan", "bought": "cyan", "held": "red"}
    styles |= {"blocked": "red"}
    for row in rows:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    Console().print(table)


class Stretch(click.ParamType[float]):
    """A stretch of time: `90`, `90s`, `30m`, `2h`, `7d`, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd]?)", str(value))
        if not found:
            self.fail(f"'{value}' isn't a stretch of time, such as 90, 30m or 2h", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def settle_seconds() -> float:
    """STORYBOARD_SETTLE_SECONDS: how long after a lost answer it is looked for at the service; 45 s."""
    from storyboard.providers import Unconfigured, seconds_in  # noqa: PLC0415 -- a plan asks nobody

    try:
        told = seconds_in(os.environ, "STORYBOARD_SETTLE_SECONDS")
    except Unconfigured as error:
        raise click.UsageError(str(error)) from error
    return 45.0 if told is None else told


@contextmanager
def attending(project: Project) -> Iterator[None]:
    """Be somebody that the journal knows, for commands that settle purchases; where nothing was bought, nobody."""
    if not project.journal.exists:
        yield
        return
    with project.store.workspace() as place:
        project.journal.attend(place.name, project.store.lives)
        yield


def terms() -> "Terms":
    """What a command that buys nothing works under."""
    import asyncio  # noqa: PLC0415 -- most commands ask nobody, and it takes long to import

    from storyboard.buy import Terms  # noqa: PLC0415

    return Terms(0, time.time, asyncio.sleep, time.monotonic, settle=settle_seconds())


def workers() -> int:
    """How many clips are made side by side on this machine."""
    return max(1, os.cpu_count() or 1)


def film_of(project: Project, pass_: str | None, *, as_json: bool) -> "tuple[Film, str]":
    """The film, and the pass that is meant; errors in the storyboard end the command."""
    try:
        film = project.film()
    except Rejected as rejected:
        reject(rejected.diagnostics, as_json=as_json)
    if pass_ is not None and pass_ not in film.passes:
        raise click.UsageError(f"there is no pass '{pass_}' (known: {', '.join(film.passes)})")
    return film, pass_ or film.default_pass


def chosen(film: "Film", names: Iterable[str]) -> list[str]:
    """The shots that arguments name, each a shot or a scene, in the film's order; a usage error for what is neither."""
    scenes = {shot.id: shot.scene_id for shot in film.shots}
    found, states, unknown = selection.chosen(scenes, [normalize("NFC", name) for name in names])
    if unknown or states:
        raise click.UsageError(selection.nothing(scenes, (*unknown, *states)[0]))
    return [shot.id for shot in film.shots if shot.id in found]


def fail(message: str) -> Never:
    """A usage error in words; nothing was changed."""
    raise click.UsageError(report.safe(message))


def relock(project: Project, change: "Callable[[Lock], Lock]") -> None:
    """Change the lock; one that can't be read is shown and stays."""
    try:
        project.relock(change)
    except Rejected as rejected:
        reject(rejected.diagnostics, as_json=False)


def say(
    project: Project,
    pass_id: str,
    entries: "Mapping[str, Entry]",
    what: str,
    words: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    """Write what somebody says of shots into their places of the lock: of the entries that are there then, which a
    render may have changed meanwhile, else of these.
    """

    def changed(lock: "Lock") -> "Lock":
        its = {shot: lock.get(shot, pass_id) or one for shot, one in entries.items()}
        return lock.having(pass_id, {shot: one._replace(**{what: words[shot]}) for shot, one in its.items()})

    relock(project, changed)
    if as_json:
        said = {shot: word and word._asdict() for shot, word in words.items()}
        print_json({"format": 1, "pass": pass_id, what: said})


def author(folder: Path) -> str:
    """Who says so: as git knows you, else as the machine does."""
    from storyboard.git import GitError, Repository  # noqa: PLC0415

    try:
        return Repository(folder, dict(os.environ)).author()
    except GitError:
        return os.environ.get("USER") or os.environ.get("LOGNAME") or "unknown"


def moment() -> str:
    """Now: ISO 8601, in UTC."""
    return timing.moment(round(time.time() * 1000))


def find_tools() -> Tools:
    """The machine's own tools."""
    from storyboard import media  # noqa: PLC0415 -- decoders are imported when a render needs them

    binary = media.ffmpeg()
    voice = shutil.which("espeak-ng")
    return Tools(binary, media.version(binary), Path(voice) if voice else None)


def today() -> str:
    """The day here and now: 2026-11-21."""
    return time.strftime("%Y-%m-%d")


def commit(file: Path) -> str:
    """The commit that a storyboard was last changed in, with `-dirty` where the file isn't as it is there; "" without
    one. A later commit of other files (the lock, after a render) leaves it, so that the same film has the same bytes.

    git only looks names up: what it does to compare files can run programs that a stranger's folder names.
    """

    def told(*asked: str) -> str:
        return subprocess.run(
            ["git", *asked],  # noqa: S607 -- the user's own git
            cwd=file.absolute().parent,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        ).stdout.strip()

    try:
        head, _, there = told("rev-parse", "HEAD", f"HEAD:./{file.name}").partition("\n")
        if not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", head):
            return ""
        last = told("rev-list", "-1", "HEAD", "--", f"./{file.name}") or head
        data = file.read_bytes()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    hashed = hashlib.new("sha1" if len(head) == 40 else "sha256", usedforsecurity=False)  # as git names a blob
    hashed.update(b"blob %d\0" % len(data) + data)
    return last[:12] + ("" if hashed.hexdigest() == there else "-dirty")
