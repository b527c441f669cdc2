"""The stages in order; also the Python API: `load(path)`, then `.check()`, `.plan()`, `.render()`, `.cut()`.

What the stages need from outside is passed in here and nowhere deeper: the store's folder, the clock, the
tools of the machine, and who listens to the progress.
"""

# ruff: noqa: PLC0415 -- what only some commands need (pydantic, decoders, numpy) is imported when it is needed
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard import compiled, selection, text
from storyboard.assets import Assets
from storyboard.diagnostic import Diagnostic, Rejected, did_you_mean
from storyboard.event import Event, ignore
from storyboard.film import Film
from storyboard.forecast import forecast
from storyboard.history import History
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
    from storyboard.job import Job
    from storyboard.journal import Journal
    from storyboard.model import Storyboard
    from storyboard.providers import Limit, Provider, Setup
    from storyboard.purchase import Purchase
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
        self._history = History((self.store.root if rehearsal else own) / "renders" / f"{path.name}.json")
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
    def board(self) -> "Storyboard":
        """What the author wrote."""
        return self._read().board

    def check(self) -> list[Diagnostic]:
        """Every finding of the text and the rules, and of compiling every pass, in the order of the text."""
        found = self._read().check()
        self.store.memo.save()
        return found

    def film(self) -> Film:
        """The compiled film.

        Raises:
            Rejected: the storyboard has errors.
        """
        if self._film is None:
            self._film = self._read().film()
            compiled.remember(self._compiled, self._source, self._assets, self._code, self._film)
        return self._film

    def warnings(self, pass_: str | None = None) -> tuple[Diagnostic, ...]:
        """The warnings that concern one pass, for whoever works on it."""
        return self.film().warnings[self._known_pass(pass_)]

    def plan(self, pass_: str | None = None, *, only: Collection[str] = ()) -> Plan:
        """What a render of one pass would do, by default of the default pass and of every shot.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass, or `only` names no shot, scene or state; its argument says which.
        """
        film, pass_id = self.film(), self._known_pass(pass_)
        scenes = {shot.id: shot.scene_id for shot in film.shots}
        shots, states, unknown = selection.chosen(scenes, only)
        if unknown:
            raise KeyError(selection.nothing(scenes, unknown[0]))

        def last(pass_id: str, shot: str) -> dict[str, object]:
            key = self._history.key(pass_id, shot)
            return dict(self.store.facts(key)) if key else {}

        paid = any(not job.local for name in film.behind(pass_id) for job in film.all_jobs(name))
        bought = self.journal.latest() if paid else {}
        decided = decide(film, pass_id, shots, states, Known(self.store.find, last, bought.get, self.kept))
        self.store.memo.save()
        if decided.cost is None or not decided.submits or not bought:
            return decided
        costs = [(step.job.model, step.job.cost) for step in decided.submits.values() if step.job and step.job.cost]
        return replace(decided, forecast=forecast(costs, self.journal.all()))

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
        return cause.of(steps[pass_id, shot], steps, self._history, self.store)

    def others(self, decided: Plan) -> "list[Purchase]":
        """What was bought and isn't fetched yet, and isn't in a plan: clips of earlier versions of the film, of the
        providers that the plan's pass uses.
        """
        film = self.film()
        jobs = [job for name in film.behind(decided.pass_id) for job in film.all_jobs(name)]
        providers = {job.provider for job in jobs if not job.local}
        keys = {step.key for step in decided.steps}
        return [one for one in self.journal.open() if one.key not in keys and one.provider in providers]

    def kept(self, one: "Purchase") -> bool:
        """Whether a clip's service still keeps it."""
        models = self.models()
        return one.model in models and one.left(models[one.model].kept, self._now() // 1_000_000) > 0

    def has_earlier(self, pass_id: str, shot: str) -> bool:
        """Whether the clip that a shot was last rendered with is there."""
        key = self._history.key(pass_id, shot)
        return key is not None and isinstance(self.store.find(key), Record)

    def models(self) -> "Catalog":
        """The models that the storyboard may use: ours, and those of `models/*.toml` beside it."""
        from storyboard.catalog import Catalog, own

        return Catalog(own.read(self._models, self._models.name)[0])

    def providers(
        self,
        decided: Plan,
        tools: Tools,
        environment: Mapping[str, str],
        *,
        workers: int = 2,
        limits: "Mapping[str, Limit] | None" = None,
        notify: Callable[[Event], None] = ignore,
        more: Collection[str] = (),
    ) -> "Mapping[str, Provider]":
        """The providers that carry a plan out. `environment` holds keys and base URLs, `limits` the user's own.
        Those that only fetch what was bought, and those of `more`, are left out where they can't be used.

        Raises:
            Unconfigured: one that is to sell has no client, no key, or no safe base URL; nothing was sent.
        """
        from storyboard import market
        from storyboard.providers import load

        names = {step.job.provider for step in decided.submits.values() if step.job}
        wanted = {step.job.provider for step in decided.work.values() if step.job} | set(more)
        setup = self._setup(tools, environment, workers, limits or {}, notify)
        found = {**load(names, setup), **market.usable(wanted - names, setup)}
        for step in decided.submits.values():
            if step.job:
                found[step.job.provider].require(step.job)
        return found

    def sellers(
        self, names: Collection[str], tools: Tools, environment: Mapping[str, str], notify: Callable[[Event], None]
    ) -> "Mapping[str, Provider]":
        """The providers of those names that can be used as things stand; of the others it is noted why not."""
        from storyboard import market

        return market.usable(names, self._setup(tools, environment, 1, {}, notify))

    def _setup(
        self,
        tools: Tools,
        environment: Mapping[str, str],
        workers: int,
        limits: "Mapping[str, Limit]",
        notify: Callable[[Event], None],
    ) -> "Setup":
        from storyboard import market

        uploads = None if self._rehearsal else self.store.root / "uploads"
        return market.setup(tools, environment, self.models(), uploads, workers, limits, notify)

    def quotes(self, decided: Plan, environment: Mapping[str, str]) -> "dict[str, Decimal]":
        """What WaveSpeedAI says each job to be submitted costs, by its step's place. Asks, for free; buys nothing.

        Raises:
            Unconfigured: there is no key, or no safe base URL.
            NotQuoted: it gives no price.
        """
        from storyboard import market

        return market.quoted(decided, self.models(), environment)

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
        import asyncio

        from storyboard.providers.references import fetch, on_loopback

        loopback = on_loopback({job.provider for job in jobs}, environment)
        with self.store.workspace() as folder:
            found, failed = asyncio.run(fetch(sorted(urls), folder, asyncio.sleep, loopback=loopback))
        self._pins.remember(found)
        self._assets = Assets(self.folder, self.store.memo, self._pins)
        self._film = self._front = None
        return failed

    def render(
        self,
        decided: Plan,
        providers: "Mapping[str, Provider]",
        *,
        ceiling: "Decimal | None" = None,
        settle: float = 45.0,
        seconds: float | None = None,
        notify: Callable[[Event], None] = ignore,
    ) -> "list[Result]":
        """Carry out a plan: make, buy or fetch the clips that aren't there. One bad shot costs no other.

        Args:
            ceiling: US dollars that this render may book.
            settle: Seconds after a lost answer before it is looked for in the service's list.
            seconds: How long the render may wait; None for as long as it takes.

        Raises:
            Unconfigured: a model of the plan has no client among `providers`; nothing was sent.
            Unsendable: a request doesn't fit its model's schema; nothing was sent.
            Unreadable: the journal of purchases can't be read; nothing was sent.
        """
        import asyncio

        from storyboard import derive, market
        from storyboard.buy import Terms
        from storyboard.catalog.request import require_sendable
        from storyboard.execute import execute

        jobs = [step.job for step in decided.submits.values() if step.job and step.job.provider != "local"]
        require_sendable([(job.model, job.request) for job in jobs], self.models())
        done = {(s.pass_id, s.shot): s.key for s in decided.steps if s.record and s.key and s.take is None}

        def stored(step: Step) -> None:
            same = (s for s in decided.steps if step.key and s.key == step.key and s.take is None)
            done.update({(other.pass_id, other.shot): step.key or "" for other in same})

        def whole(job: "Job") -> "Job":
            return derive.whole(job, self.store)

        terms = Terms(0, time.time, asyncio.sleep, time.monotonic, ceiling, self.film().budget, settle, seconds)

        async def carried_out(run: int, others: "list[Purchase]") -> "list[Result]":
            its = replace(terms, run=run)
            return await execute(decided, others, providers, self.store, self.journal, its, notify, stored, whole)

        try:
            if not any(step.job and not step.job.local for step in decided.steps):
                return asyncio.run(carried_out(0, []))
            with market.buying(decided, ceiling, self.journal, self.store) as run:
                return asyncio.run(carried_out(run, self.others(decided)))
        finally:
            for name in {pass_id for pass_id, _ in done}:
                self._history.remember(name, {shot: key for (its, shot), key in done.items() if its == name})
            self.store.memo.save()

    def timeline(self, pass_: str | None = None, asked: "Asked | None" = None) -> "Timeline":
        """The film of one pass as clips in their places: this pass's, else those that it falls back to, else none.

        Raises:
            Rejected: the storyboard has errors.
            KeyError: there is no such pass.
        """
        from storyboard import assemble

        return assemble.lay_out(self.film(), self._known_pass(pass_), asked, self.store)

    def cut(
        self,
        pass_: str | None,
        tools: Tools,
        asked: "Asked | None" = None,
        *,
        workers: int = 2,
        notify: Callable[[Event], None] = ignore,
    ) -> "Cut":
        """The cut of one pass's timeline, with slates for clips that aren't there. Raises CutFailed besides."""
        from storyboard import assemble

        film, clips = self.film(), self.timeline(pass_, asked)
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
