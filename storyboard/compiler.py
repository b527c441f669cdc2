"""The stages in order; also the Python API: `load(path)`, then `.check()`, `.plan()`, `.render()`, `.cut()`.

What the stages need from outside is passed in here and nowhere deeper: the store's folder, the clock, the
tools of the machine, and who listens to the progress.
"""

# ruff: noqa: PLC0415 -- what only some commands need (pydantic, decoders, numpy) is imported when it is needed
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storyboard import compiled, selection, text, verdict
from storyboard.assets import Assets
from storyboard.diagnostic import Diagnostic, Rejected, did_you_mean
from storyboard.event import Event, Noted, ignore
from storyboard.film import Film
from storyboard.forecast import forecast
from storyboard.lock import SHOWN, Entry, Lock, Place, entry
from storyboard.lock.file import LockFile, beside
from storyboard.memo import Memo
from storyboard.pins import Pins
from storyboard.plan import Known, Plan, Step, decide
from storyboard.source import Source
from storyboard.store import Record, Store
from storyboard.tools import Tools

if TYPE_CHECKING:
    from decimal import Decimal

    from storyboard.catalog import Catalog
    from storyboard.cause import Cause
    from storyboard.cut import Cut
    from storyboard.execute import Result
    from storyboard.front import Front
    from storyboard.frozen import Frozen
    from storyboard.journal import Journal
    from storyboard.market import Market
    from storyboard.model import Storyboard
    from storyboard.providers import Provider
    from storyboard.purchase import Purchase
    from storyboard.shared import Shared
    from storyboard.timeline import Asked, Timeline


class Project:
    """A storyboard beside its store.

    Attributes:
        path: The storyboard's file; every path in it starts from its folder.
        store: Where clips are kept.
        build: The folder for cuts and copies of clips, from the storyboard's folder.
    """

    def __init__(
        self, path: Path, source: Source, store: Path | None, now: Callable[[], int], *, rehearsal: bool = False
    ) -> None:
        own = path.parent / ".storyboard"
        if rehearsal:
            store = (store or own) / "rehearsal"
        self.path = path
        self.build = Path("build/rehearsal") if rehearsal else Path("build")
        self.store = Store(store or own, Memo((store or own) / "hashes", now))
        self._rehearsal = rehearsal
        self._source = source
        self._pins = Pins(own / "pins")
        self._assets = Assets(path.parent, self.store.memo, self._pins)
        self._locked = LockFile(self.store.root / "storyboard.lock" if rehearsal else beside(path))
        self._kept: Film | None = None
        self._compiled = own / "compiled" / f"{path.name}.json"
        self._journal: Journal | None = None
        self._now = now
        self._models = path.parent / "models"
        self._code = compiled.fingerprint(self._models)
        self._front: Front | None = None
        self._film = compiled.recall(self._compiled, source, self._assets, self._code)
        if self._film is None:
            self._read()

    @property
    def folder(self) -> Path:
        """The storyboard's folder."""
        return self.path.parent

    @property
    def journal(self) -> "Journal":
        """What was bought. A rehearsal buys nothing, and keeps its own in memory."""
        from storyboard.journal import Journal

        if self._journal is None:
            self._journal = Journal(None if self._rehearsal else self.store.root / "journal.sqlite", self._now)
        return self._journal

    @property
    def lock(self) -> Lock:
        """What was rendered, approved and accepted. Raises Rejected where its file can't be read."""
        return self._locked.read()

    def relock(self, change: Callable[[Lock], Lock]) -> Lock:
        """Change the lock. Raises Rejected where it can't be read, OSError where it can't be written."""
        self._kept = None
        return self._locked.change(change)

    @property
    def board(self) -> "Storyboard":
        """What the author wrote."""
        return self._read().board

    def check(self) -> list[Diagnostic]:
        """Every finding of the text and the rules, and of compiling every pass, in the order of the text."""
        found = self._read().check()
        self.store.memo.save()
        try:
            self._locked.read()
        except Rejected as rejected:
            found += rejected.diagnostics
        return found

    def film(self) -> Film:
        """The compiled film, with the clips that were accepted as they are. Raises Rejected as `asked` does, and where
        the lock can't be read.
        """
        if self._kept is None:
            self._kept = verdict.kept(self.asked(), self.lock, self.store)
        return self._kept

    def asked(self) -> Film:
        """The compiled film as the storyboard asks for it.

        Raises:
            Rejected: the storyboard has errors.
        """
        if self._film is None:
            self._film = self._read().film()
            compiled.remember(self._compiled, self._source, self._assets, self._code, self._film)
        return self._film

    def inputs(self) -> compiled.Inputs:
        """The film as asked for, and what it was compiled from. Raises as `asked` does."""
        return compiled.Inputs(self._source, self._assets, self.folder, self.asked())

    def warnings(self, pass_: str | None = None) -> tuple[Diagnostic, ...]:
        """The warnings that concern one pass, for whoever works on it."""
        return self.film().warnings[self._known_pass(pass_)]

    def plan(
        self,
        pass_: str | None = None,
        *,
        only: Collection[str] = (),
        there: Mapping[str, str] | None = None,
    ) -> Plan:
        """What a render of one pass would do, by default of the default pass and of every shot. `there` are clips that
        count as there, by key, each with its reason.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass, or `only` names no shot, scene or state; its argument says which.
        """
        film, pass_id = self.film(), self._known_pass(pass_)
        scenes = {shot.id: shot.scene_id for shot in film.shots}
        shots, states, unknown = selection.chosen(scenes, only)
        if unknown:
            raise KeyError(selection.nothing(scenes, unknown[0]))

        def rendered(pass_id: str, shot: str) -> Mapping[str, Any]:
            one = self.lock.get(shot, pass_id)
            return self.store.facts(one.key) if one else {}

        latest = cache(self.journal.latest)  # where every clip is there, nothing of it is asked
        known = Known(
            self.store.find,
            rendered,
            lambda key: latest().get(key),
            self.kept,
            lambda pass_id, shot: verdict.is_approved(film, self.lock, pass_id, shot),
            verdict.reasons(self.asked(), self.lock, self.store),
            there or {},
        )
        decided = decide(film, pass_id, shots, states, known)
        self.store.memo.save()
        costs = [(step.job.model, step.job.cost) for step in decided.submits.values() if step.job and step.job.cost]
        if decided.cost is None or not costs or not (every := self.journal.all()):
            return decided
        return replace(decided, forecast=forecast(costs, every))

    def why(self, shot: str, pass_: str | None = None) -> "Cause":
        """What differs from a shot's last render.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass or shot.
        """
        from storyboard import cause

        film, pass_id = self.film(), self._known_pass(pass_)
        if shot not in film.numbers:
            raise KeyError(f"there is no shot '{shot}': {did_you_mean(shot, film.numbers)}")
        steps = {(step.pass_id, step.shot): step for step in self.plan(pass_id, only=[shot]).steps if step.take is None}
        return cause.of(steps[pass_id, shot], steps, self.lock, self.store)

    def others(self, decided: Plan) -> "list[Purchase]":
        """What was bought and isn't fetched yet, and isn't in a plan: clips of earlier versions of the film, of the
        providers that the plan's pass uses.
        """
        jobs = [job for name in self.film().behind(decided.pass_id) for job in self.film().all_jobs(name)]
        providers = {job.provider for job in jobs if not job.local}
        keys = {step.key for step in decided.steps}
        return [one for one in self.journal.open() if one.key not in keys and one.provider in providers]

    def kept(self, one: "Purchase") -> bool:
        """Whether a clip's service still keeps it."""
        models = self.models()
        return one.model in models and one.left(models[one.model].kept, self._now() // 1_000_000) > 0

    def models(self) -> "Catalog":
        """The models that the storyboard may use: ours, and those of `models/*.toml` beside it."""
        from storyboard.catalog import Catalog, own

        return Catalog(own.read(self._models, self._models.name)[0])

    @property
    def market(self) -> "Market":
        """Who sells the models that the storyboard may use."""
        from storyboard.market import Market

        return Market(self.models, None if self._rehearsal else self.store.root / "uploads")

    def fetch_references(self, pass_: str | None, environment: Mapping[str, str]) -> dict[str, str]:
        """Fetch the https references of one pass, and of those that guide it, that aren't known yet, once, to know what
        they hold. What could not be fetched is told by URL.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass.
        """
        film = self.film()
        jobs = [job for name in film.behind(self._known_pass(pass_)) for job in film.all_jobs(name)]
        urls = {given.url for job in jobs for given in job.inputs.values() if given.url and given.sha256 is None}
        if not urls:
            return {}
        found, failed = self.market.references(urls, {job.provider for job in jobs}, environment, self.store)
        self._pins.remember(found)
        self._assets = Assets(self.folder, self.store.memo, self._pins)
        self._film = self._front = self._kept = None
        return failed

    def render(
        self,
        decided: Plan,
        providers: "Mapping[str, Provider]",
        *,
        ceiling: "Decimal | None" = None,
        settle: float = 45.0,
        seconds: float | None = None,
        shared: "Shared | None" = None,
        notify: Callable[[Event], None] = ignore,
    ) -> "list[Result]":
        """Carry out a plan: make, buy or fetch the clips that aren't there. One bad shot costs no other.

        Args:
            ceiling: US dollars that this render may book.
            settle: Seconds after a lost answer before it is looked for in the service's list.
            seconds: How long the render may wait; None for as long as it takes.
            shared: The cache that is shared with others, whose clips and purchases are theirs as well.

        Raises:
            Unconfigured: a model of the plan has no client among `providers`; nothing was sent.
            Unsendable: a request doesn't fit its model's schema; nothing was sent.
            Unreadable: the journal of purchases can't be read; nothing was sent.
        """
        import asyncio

        from storyboard import derive, interrupt, market
        from storyboard.buy import Terms
        from storyboard.catalog.request import require_sendable
        from storyboard.execute import execute

        jobs = [step.job for step in decided.submits.values() if step.job and step.job.provider != "local"]
        require_sendable([(job.model, job.request) for job in jobs], self.models())
        made: list[Step] = []

        def stored(step: Step) -> None:
            made.extend(other for other in decided.steps if step.key and other.key == step.key)

        whole = partial(derive.whole, store=self.store)
        terms = Terms(0, time.time, asyncio.sleep, time.monotonic, ceiling, self.film().budget, settle, seconds)

        async def carried_out(run: int, others: "list[Purchase]") -> "list[Result]":
            its = replace(terms, run=run)
            store, journal = self.store, self.journal
            return await execute(decided, others, providers, store, journal, its, notify, stored, whole, shared)

        try:
            if not any(step.job and not step.job.local for step in decided.steps):
                return interrupt.run(carried_out(0, []))
            with market.buying(decided, ceiling, self.journal, self.store) as run:
                return interrupt.run(carried_out(run, self.others(decided)))
        finally:
            film, found = self.film(), self._entries(step for step in decided.steps if step.record)
            try:
                self.relock(lambda lock: lock.rendered(film, self._entries(made), found))
            except OSError as error:
                notify(Noted(f"{self._locked.path.name} can't be written: {error.strerror or error}"))
            self.store.memo.save()

    def _entries(self, steps: "Iterable[Step]") -> dict[Place, Entry]:
        its = ((step, self.store.find(step.key)) for step in steps if step.job and step.key)
        return {
            Place(step.shot, step.pass_id, step.take or SHOWN): entry(step.job, found)
            for step, found in its
            if step.job and isinstance(found, Record)
        }

    def frozen(self, pass_: str | None = None) -> "Frozen":
        """What one pass's cut shows by the lock alone. Raises Rejected and KeyError as `plan` does."""
        from storyboard import frozen

        return frozen.freeze(self.film(), self.lock, self.store, self._known_pass(pass_))

    def timeline(
        self, pass_: str | None = None, asked: "Asked | None" = None, frozen: "Frozen | None" = None
    ) -> "Timeline":
        """The film of one pass as clips in their places: this pass's, else those that it falls back to, else none.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass.
        """
        from storyboard import assemble

        return assemble.lay_out(self.film(), self._known_pass(pass_), asked, self.store, frozen)

    def cut(
        self,
        pass_: str | None,
        tools: Tools,
        asked: "Asked | None" = None,
        *,
        workers: int = 2,
        notify: Callable[[Event], None] = ignore,
        frozen: "Frozen | None" = None,
    ) -> "Cut":
        """The cut of one pass's timeline, with slates for clips that aren't there. Raises CutFailed besides."""
        from storyboard import assemble

        film, clips = self.film(), self.timeline(pass_, asked, frozen)
        return assemble.make(film, clips, self.folder, self.store, tools, workers, notify, self.build)

    def place(self, results: "Iterable[Result]") -> dict[str, Path]:
        """Copies of what a render made where people look for it, by the steps' places, from the storyboard's folder."""
        from storyboard import shelf

        placed = shelf.place(((one.step, one.record) for one in results), self.folder, self.build, self.store)
        self.store.memo.save()
        return placed

    def _known_pass(self, pass_: str | None) -> str:
        passes = self.film().passes
        if pass_ is not None and pass_ not in passes:
            raise KeyError(f"there is no pass '{pass_}' (known: {', '.join(passes)})")
        return pass_ or self.film().default_pass

    def _read(self) -> "Front":
        if self._front is None:
            from storyboard.front import Front

            self._front = Front(self._source, self._assets, self.folder, self._models)
        return self._front


def load(
    path: Path | str,
    *,
    store: Path | None = None,
    now: Callable[[], int] = time.time_ns,
    rehearsal: bool = False,
) -> Project:
    """Read a storyboard. `store` is another folder for clips; `now` the wall clock in nanoseconds. A `rehearsal`
    keeps its clips and cuts apart.

    Raises:
        Rejected: it can't be read, isn't YAML, or isn't shaped like a storyboard; carries every finding.
    """
    path = Path(path)
    source, found = text.read(path, path.name)
    if found:
        raise Rejected(found)
    return Project(path.absolute(), source, store, now, rehearsal=rehearsal)


def check(path: Path | str, *, store: Path | None = None) -> list[Diagnostic]:
    """Every finding of a storyboard, in the order of its text. Raises for no input."""
    try:
        return load(path, store=store).check()
    except Rejected as rejected:
        return list(rejected.diagnostics)
