"""What commands share that edit a storyboard: its texts, the film that they would come to, and how they are written."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from shutil import copymode
from typing import TYPE_CHECKING, Any, Never

import click

from storyboard import atomic, report, syntax, text
from storyboard.assets import Assets
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.film import Film
from storyboard.pins import Pins
from storyboard.source import Source

if TYPE_CHECKING:
    from storyboard.moves import Unmovable
    from storyboard.moves.same import Other
    from storyboard.rewrite import Edit, Uneditable

Command = Callable[..., Any]
_MARK = b"\xef\xbb\xbf"
_MOST = 8
"""Shots, or lines of a text, that are shown of many."""


def dry_run_option(command: Command) -> Command:
    """--dry-run."""
    help_ = "Show what would change, and leave the storyboard as it is."
    return click.option("--dry-run", is_flag=True, help=help_)(command)


class Texts:
    """A storyboard and its libraries as they stand, and as a command edits them.

    Attributes:
        film: The storyboard as it stands, compiled.
        sources: Its text, and those of its libraries.
    """

    def __init__(self, file: Path, *, as_json: bool) -> None:
        self.path = common.storyboard_file(file)
        self.project = common.open_project(file, as_json=as_json)
        self._as_json = as_json
        try:
            self.film = self.project.asked()
            _ = self.project.lock  # one that can't be read is said before anything is written
        except Rejected as rejected:
            common.reject(rejected.diagnostics, as_json=as_json)
        own, _ = text.read(self.path, self.path.name)
        self.sources = [own, *self.film.sources]
        self._before = [self._path(source).read_bytes() for source in self.sources]
        self.changed: dict[str, str] = {}

    def roots(self) -> list[syntax.Mapping]:
        """The documents."""
        found = [syntax.parse(source)[0] for source in self.sources]
        return [root for root in found if root is not None]  # each is there: the film was compiled

    def edit(self, edits: Mapping[int, Sequence["Edit"]]) -> Film:
        """Make edits, by the numbers of the sources, and compile the film that they come to. Where that can't be done,
        it is said, and the command ends.
        """
        from storyboard.front import Front  # noqa: PLC0415 -- a command imports what it needs
        from storyboard.rewrite import Uneditable, rewritten  # noqa: PLC0415

        try:
            self.changed = {self.sources[n].name: rewritten(self.sources[n], its) for n, its in edits.items() if its}
        except Uneditable as error:
            refuse_place(error, as_json=self._as_json)
        own = self.sources[0]
        its = Source(own.name, self.changed.get(own.name, own.text))
        libraries = {name: changed for name, changed in self.changed.items() if name != own.name}
        memo, pins = self.project.store.memo, Pins(self.project.folder / ".storyboard" / "pins")
        assets = Assets(self.project.folder, memo, pins)
        try:
            return Front(its, assets, self.project.folder, self.project.folder / "models", libraries).film()
        except Rejected as rejected:
            self.reject(rejected.diagnostics)

    def again(self) -> Project:
        """The project as it would be with what was edited; a library that was edited isn't read anew."""
        own = self.sources[0]
        source = Source(own.name, self.changed.get(own.name, own.text))
        return Project(self.path.absolute(), source, common.store_folder(), time.time_ns)

    def reject(self, found: Sequence[Diagnostic]) -> Never:
        """Show what would be wrong, and end with status 1."""
        if not self._as_json:
            click.echo("This would leave the storyboard with errors; nothing was written.\n", err=True)
        common.reject([one for one in found if one.is_error], as_json=self._as_json)

    def require_same(self, others: Iterable["Other"]) -> None:
        """End with status 1 where a clip would be made anew."""
        found = list(others)
        if not found:
            return
        if self._as_json:
            rows = [{"shot": one.shot or None, "pass": one.pass_id, "reason": one.why} for one in found]
            common.print_json({"format": 1, "error": "clips would be made anew", "anew": rows, "written": False})
        else:
            click.echo("Error: clips would be made anew, so nothing was written:", err=True)
            for one in found[:_MOST]:
                click.echo(report.safe(f"  {one.shot or 'all'} ({one.pass_id}): {one.why}"), err=True)
            if len(found) > _MOST:
                click.echo(f"  and {len(found) - _MOST} more", err=True)
        raise click.exceptions.Exit(common.HAS_ERRORS)

    def lines(self) -> dict[str, int]:
        """How many lines of each text are others now."""
        found = {}
        for source in self.sources:
            new = Counter(self.changed.get(source.name, source.text).splitlines())
            found[source.name] = (new - Counter(source.text.splitlines())).total()
        return {name: count for name, count in found.items() if count}

    def write(self) -> None:
        """Put the new texts in the old ones' places."""
        files = [
            (self._path(source), before, self.changed[source.name])
            for source, before in zip(self.sources, self._before, strict=True)
            if self.changed.get(source.name, source.text) != source.text
        ]
        for source, before in zip(self.sources, self._before, strict=True):
            if before.removeprefix(_MARK) != source.text.encode():
                raise click.ClickException(f"{report.safe(source.name)} was changed meanwhile; nothing was written")
        write(files)

    def restore(self) -> None:
        """Put back what was written, where what belongs to it can't be."""
        now = [self.changed.get(source.name) for source in self.sources]
        its = [
            (self._path(one), new, old) for one, new, old in zip(self.sources, now, self._before, strict=True) if new
        ]
        for path, new, old in its:
            write([(path, _encoded(new, old), old.removeprefix(_MARK).decode())])

    def show_lines(self) -> None:
        """What a dry run would change, line by line."""
        for source in self.sources:
            old, new = source.text.splitlines(), self.changed.get(source.name, source.text).splitlines()
            if old != new:
                from difflib import unified_diff  # noqa: PLC0415 -- only a dry run shows it

                for line in unified_diff(old, new, source.name, source.name, n=0, lineterm=""):
                    click.echo(report.safe(line))

    def still(self, found: Callable[[str], bool]) -> list[str]:
        """The lines of the edited texts that `found` is true of, as `storyboard.yaml:12`."""
        return [
            f"{source.name}:{n}"
            for source in self.sources
            for n, line in enumerate(self.changed.get(source.name, source.text).splitlines(), 1)
            if found(line)
        ]

    def _path(self, source: Source) -> Path:
        return self.path.resolve() if source.name == self.path.name else (self.project.folder / source.name).resolve()


def new_warnings(before: Film, after: Film) -> list[Diagnostic]:
    """The warnings of a film that it didn't give before."""
    known = Counter((one.code, one.message) for found in before.warnings.values() for one in found)
    found = (one for found in after.warnings.values() for one in found)
    return [one for one in dict.fromkeys(found) if (one.code, one.message) not in known]


def show_warnings(found: Sequence[Diagnostic]) -> None:
    """Warnings, on standard error."""
    if found:
        import sys  # noqa: PLC0415 -- seldom

        click.echo(report.findings(found, color=common.color(sys.stderr)), err=True)


def write(files: Collection[tuple[Path, bytes, str]]) -> None:
    """Put new texts in the places of files, each with the bytes that it had, unless somebody wrote one meanwhile: all
    of them or none, as far as a disk allows it.
    """
    for path, before, _ in files:
        if path.read_bytes() != before:
            raise click.ClickException(f"{report.safe(path.name)} was changed meanwhile; nothing was written")
    made = {path: _encoded(changed, before) for path, before, changed in files}
    try:
        with ExitStack() as stack:
            for path, data in made.items():
                temporary = stack.enter_context(atomic.replacing(path))
                temporary.write_bytes(data)
                copymode(path, temporary)
    except OSError:
        for path, before, _ in files:
            if path.read_bytes() == made[path] != before:
                with atomic.replacing(path) as temporary:
                    temporary.write_bytes(before)
                    copymode(path, temporary)
        raise


def _encoded(changed: str, before: bytes) -> bytes:
    """A text's bytes, with the byte order mark that it had before."""
    return (_MARK if before.startswith(_MARK) else b"") + changed.encode()


def refuse_place(error: "Uneditable", *, as_json: bool) -> Never:
    """Say which place can't be edited, and end with status 1."""
    source = error.span.source
    line, column = source.line_column(error.span.start)
    if as_json:
        its = {"error": str(error), "help": error.help, "file": source.name, "line": line, "column": column}
        common.print_json({"format": 1, **its})
    else:
        where = f"{source.name}:{line}:{column}"
        click.echo(f"Error: {report.safe(where)}: {report.safe(str(error))}; {report.safe(error.help)}", err=True)
        click.echo("Nothing was written.", err=True)
    raise click.exceptions.Exit(common.HAS_ERRORS)


def refuse(error: "Unmovable", *, as_json: bool) -> Never:
    """Say why an edit makes no sense, and end: with status 2 for a name that is nothing, else with status 1."""
    from storyboard.moves import Unknown  # noqa: PLC0415 -- a command imports what it needs

    words = f"{error}: {error.help}" if error.help else str(error)
    if isinstance(error, Unknown):
        raise click.UsageError(report.safe(words))
    if as_json:
        common.print_json({"format": 1, "error": str(error), "help": error.help})
    else:
        click.echo(f"Error: {report.safe(words)}", err=True)
        click.echo("Nothing was written.", err=True)
    raise click.exceptions.Exit(common.HAS_ERRORS)


def new_id(written: str, *, as_json: bool) -> str:
    """An id as the language takes it; anything else ends the command with status 1."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 -- a command imports what it needs

    from storyboard.model.values import read_id  # noqa: PLC0415
    from storyboard.moves import Unmovable  # noqa: PLC0415

    try:
        return read_id(written)
    except PydanticCustomError as error:
        context = error.context or {}
        refuse(Unmovable(str(context.get("message")), str(context.get("help", ""))), as_json=as_json)


def listed(places: Sequence[str]) -> str:
    """Places in a sentence."""
    more = f" and {len(places) - _MOST} more" if len(places) > _MOST else ""
    return ", ".join(places[:_MOST]) + more
