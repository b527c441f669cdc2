"""The stages in order; also the Python API: `load(path)`, then `.check()`, `.plan()`, `.render()`, `.cut()`.

What the stages need from outside is passed in here and nowhere deeper: the store's folder, the clock, the
tools of the machine, and who listens to the progress.
"""

# ruff: noqa: PLC0415 -- what only a render needs (decoders, numpy) is imported when one starts: a plan is instant
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard import syntax
from storyboard.assets import Assets
from storyboard.catalog import Catalog
from storyboard.decode import Positions, decode
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.event import Event, Noted, ignore
from storyboard.history import History
from storyboard.lower import Lowered, lower
from storyboard.memo import Memo
from storyboard.model import Storyboard
from storyboard.plan import Plan, decide
from storyboard.rules import check as run_rules
from storyboard.rules.context import Context
from storyboard.store import Record, Store
from storyboard.tools import Tools

if TYPE_CHECKING:
    from storyboard.cut import Cut
    from storyboard.execute import Result


class Project:
    """A storyboard that was read and decoded, beside its store.

    Attributes:
        path: The storyboard's file; every path in it starts from its folder.
        board: What the author wrote.
        store: Where clips are kept.
    """

    def __init__(
        self,
        path: Path,
        board: Storyboard,
        positions: Positions,
        found: Sequence[Diagnostic],
        store: Path | None,
        now: Callable[[], int],
    ) -> None:
        own = path.parent / ".storyboard"
        self.path = path
        self.board = board
        self.store = Store(store or own, Memo((store or own) / "hashes", now))
        self._positions = positions
        self._found = found
        self._models = Catalog()
        self._assets = Assets(path.parent, self.store.memo)
        self._history = History(own / "renders" / f"{path.name}.json")
        self._lowered: dict[str, Lowered] = {}

    @property
    def folder(self) -> Path:
        """The storyboard's folder."""
        return self.path.parent

    def check(self) -> list[Diagnostic]:
        """Every finding of the rules, and of compiling every pass, in the order of the text."""
        context = Context(self.board, self._positions, self._models, self._assets)
        found = [*self._found, *run_rules(context)]
        for pass_id in self.board.passes:
            found += self._lower(pass_id).findings
        return sorted(dict.fromkeys(found), key=lambda d: (d.span.start, d.code))

    def warnings(self, pass_: str | None = None) -> list[Diagnostic]:
        """The warnings that concern one pass, for whoever works on it."""
        return [d for d in self._lower(self._known_pass(pass_)).findings if not d.is_error]

    def plan(self, pass_: str | None = None, *, only: Collection[str] = ()) -> Plan:
        """What a render of one pass would do, by default of the default pass and of every shot.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass, or `only` names a shot that isn't there; its argument says which.
        """
        pass_id = self._known_pass(pass_)
        found = self.check()
        if any(finding.is_error for finding in found):
            raise Rejected(found)
        targets = self._lower(pass_id).targets
        unknown = set(only) - {target.shot.id for target in targets}
        if unknown:
            raise KeyError(f"there is no shot '{min(unknown)}'")
        chosen = tuple(t for t in targets if not only or t.shot.id in only)

        def last(shot: str) -> dict[str, object]:
            key = self._history.key(pass_id, shot)
            return dict(self.store.facts(key)) if key else {}

        decided = decide(self.board.title, pass_id, chosen, self.store.find, last)
        self.store.memo.save()
        return decided

    def render(
        self, decided: Plan, tools: Tools, *, workers: int = 2, notify: Callable[[Event], None] = ignore
    ) -> "list[Result]":
        """Carry out a plan: make the clips it submits. One bad shot costs no other.

        Raises:
            NoProvider: a model of the plan has no client here; nothing was sent.
        """
        import asyncio

        from storyboard.execute import execute
        from storyboard.providers import providers

        results = asyncio.run(execute(decided, providers(tools), self.store, notify, workers))
        done = {r.step.shot: r.step.key for r in results if r.record and r.step.key}
        self._history.remember(decided.pass_id, done)
        self.store.memo.save()
        return results

    def cut(
        self,
        pass_: str | None,
        tools: Tools,
        *,
        workers: int = 2,
        notify: Callable[[Event], None] = ignore,
    ) -> "Cut":
        """The cut of one pass, from what is in the store: this pass's clips, else those of the passes before
        it, else slates.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass.
            CutFailed: the film could not be made; the message says why.
        """
        from storyboard import cut, timeline

        decided = self.plan(pass_)
        self._note_missing_glyphs(notify)
        laid_out = timeline.lay_out(self.board, decided.pass_id, lambda shot: self._best(shot, decided))
        try:
            return cut.make(laid_out, self.folder, self.store, tools, workers, notify)
        finally:
            self.store.memo.save()

    def _best(self, shot: str, decided: Plan) -> tuple[str, Record] | None:
        """The clip to show: this pass's, else the nearest earlier pass's, by today's keys only."""
        order = list(self.board.passes)
        for pass_id in reversed(order[: order.index(decided.pass_id) + 1]):
            job = next(t.job for t in self._lower(pass_id).targets if t.shot.id == shot)
            found = self.store.find(job.key) if job and job.key else None
            if isinstance(found, Record):
                return pass_id, found
        return None

    def _note_missing_glyphs(self, notify: Callable[[Event], None]) -> None:
        from storyboard import lettering

        texts = [self.board.title]
        for shot, scene in self.board.all_shots():
            texts += [shot.id, shot.prompt, scene.title if scene else "", *(line.line for line in shot.dialogue)]
        lacking = lettering.missing(texts)
        if lacking:
            shown = " ".join(lacking[:12]) + (" …" if len(lacking) > 12 else "")
            notify(Noted(f"the built-in fonts have no glyph for: {shown}"))

    def _known_pass(self, pass_: str | None) -> str:
        if pass_ is not None and pass_ not in self.board.passes:
            known = ", ".join(self.board.passes)
            raise KeyError(f"there is no pass '{pass_}' (known: {known})")
        return pass_ or self.board.first_pass

    def _lower(self, pass_id: str) -> Lowered:
        if pass_id not in self._lowered:
            self._lowered[pass_id] = lower(self.board, pass_id, self._positions, self._models, self._assets)
        return self._lowered[pass_id]


def load(path: Path | str, *, store: Path | None = None, now: Callable[[], int] = time.time_ns) -> Project:
    """Read and decode a storyboard. `store` is another folder for clips; `now` the wall clock in nanoseconds.

    Raises:
        Rejected: it can't be read, isn't YAML, or isn't shaped like a storyboard; carries every finding.
    """
    path = Path(path)
    source, found = syntax.read(path, path.name)
    if found:
        raise Rejected(found)
    root, found = syntax.parse(source)
    if root is None:
        raise Rejected(found)
    board, positions, misshapen = decode(root)
    if board is None or positions is None:
        raise Rejected(sorted([*found, *misshapen], key=lambda d: (d.span.start, d.code)))
    return Project(path.absolute(), board, positions, found, store, now)


def check(path: Path | str, *, store: Path | None = None) -> list[Diagnostic]:
    """Every finding of a storyboard, in the order of its text. Raises for no input."""
    try:
        return load(path, store=store).check()
    except Rejected as rejected:
        return list(rejected.diagnostics)
