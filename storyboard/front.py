"""The front end: a storyboard's text to findings, and to the compiled film."""

from collections.abc import Mapping

from storyboard import doubt, selection, sendable, shots, syntax
from storyboard.assets import Asset
from storyboard.catalog import Catalog, own
from storyboard.decode import Positions, decode
from storyboard.diagnostic import CODES, Diagnostic, Rejected
from storyboard.expand import expand
from storyboard.files import Place
from storyboard.film import Film, Pass
from storyboard.include import Included
from storyboard.lower import Lowered, chained, lower
from storyboard.model import NO_GUIDE, Storyboard
from storyboard.resolve import Resolved
from storyboard.rules import check
from storyboard.silence import silenced
from storyboard.source import Source
from storyboard.world import World

_LOST = frozenset(code for code in CODES if code < "SB1") | {"SB206", "SB207"}
"""What leaves a library unread, and its characters unknown."""


class Front:
    """A storyboard that was read and decoded, with its libraries. `folder` is where its paths start, `models` the
    folder of its own model files, `texts` those of libraries that aren't written yet, by their names.

    Raises:
        Rejected: the text isn't YAML, or isn't shaped like a storyboard; carries every finding.
    """

    def __init__(
        self, source: Source, assets: Mapping[str, Asset], folder: Place, models: Place, texts: Mapping[str, str] = {}
    ) -> None:
        root, found = syntax.parse(source)
        if root is None:
            raise Rejected(found)
        included = Included(root, folder, texts)
        whole, inherited = expand(included.root)
        self._sources = [source, *included.sources]
        self._included = included.found
        found = [*found, *included.found, *inherited]
        board, positions, misshapen = decode(whole)
        if board is None or positions is None:
            raise Rejected(self._in_order([*found, *misshapen]))
        self.board: Storyboard = board
        self._positions: Positions = positions
        added, unusable = own.read(models, models.name)
        self._found = [*found, *misshapen, *unusable]
        self._models = Catalog(added)
        self._assets = assets
        if misshapen:  # the board is what is left, to be checked only
            raise Rejected(self.check())

    def check(self) -> list[Diagnostic]:
        """Every finding: of the text, of the rules, and of compiling every pass."""
        return self._compile(requests=True)[1]

    def film(self) -> Film:
        """The compiled film.

        Raises:
            Rejected: the storyboard has errors.
        """
        lowered, found = self._compile()
        if any(finding.is_error for finding in found):
            raise Rejected(found)
        board, given = self.board, set(found)
        return Film(
            board.title,
            board.aspect,
            board.fps,
            board.first_pass,
            {name: self._pass(name) for name in board.passes},
            tuple(shots.shots(board)),
            {name: tuple(lowered[name].jobs) for name in board.passes},
            {name: lowered[name].takes for name in board.passes},
            {name: tuple(one for one in lowered[name].findings if one in given) for name in board.passes},
            board.budget,
            tuple(self._sources[1:]),
            shots.mix(board, self._assets),
        )

    def _pass(self, name: str) -> Pass:
        its = self.board.passes[name]
        states = selection.chosen(self.board.scene_of, its.only or ()).states
        guide = its.guide if its.guide and its.guide != NO_GUIDE else ""
        return Pass(
            its.model,
            shots.resolution(its),
            shots.burn_in(its),
            states,
            guide,
            its.fallback,
            bool(its.leader),
            its.subtitles or "none",
        )

    def _compile(self, *, requests: bool = False) -> tuple[dict[str, Lowered], list[Diagnostic]]:
        """What every pass is made of, and all findings; those of the models' schemas too where `requests` are checked,
        which a render does just before it sends them.
        """
        board, at = self.board, self._positions
        world, lowered = World(board, at, self._models, self._assets), dict[str, Lowered]()
        found = [*self._found, *check(world)]
        order, wanted = self._order(), self._wanted()
        for name in order:
            lowered[name] = lower(world, name, doubt.certain(board, at, name, wanted[name]), lowered)
        for name in board.passes:
            found += doubt.known(board, at, name, lowered[name].findings)
        if requests:
            wrong = any(finding.is_error for finding in found)
            found += sendable.check(world, doubt.complete(world, lowered) if wrong else lowered)
        if any(finding.code in _LOST and finding.is_error for finding in self._included):
            found = [one for one in found if one.code != "SB201" or one.help.startswith("did")]
        if any(finding.is_error for finding in found):  # of a name misspelt, not all uses are known
            found = [finding for finding in found if finding.code != "SB406"]
        found = silenced(board, at, list(dict.fromkeys(found)))
        return lowered, doubt.named(at, self._in_order(found))

    def _order(self) -> list[str]:
        """The passes, each after those that guide it; of a circle, which a rule tells of, in any order."""
        guides, left = self._guides(), list(self.board.passes)
        order: list[str] = []
        while left:
            ready = [name for name in left if not guides[name] & set(left)] or left
            order += ready
            left = [name for name in left if name not in ready]
        return order

    def _guides(self) -> Mapping[str, set[str]]:
        """The passes that each pass's shots are guided by."""
        passes = self.board.passes
        found = {name: {pass_.guide} if pass_.guide else set() for name, pass_ in passes.items()}
        for shot, _ in self.board.all_shots():
            for name, override in shot.passes.items():
                if override.guide and name in found:
                    found[name].add(override.guide)
        return {name: guides & set(passes) for name, guides in found.items()}

    def _wanted(self) -> dict[str, set[str] | None]:
        """The shots that each pass makes: those that it is for, and those that others need of it. None for all."""
        board = self.board
        wanted: dict[str, set[str] | None] = {}
        for name, pass_ in board.passes.items():
            its = None if pass_.only is None else selection.chosen(board.scene_of, pass_.only)
            chosen = its.shots if its and (its.shots or not its.states) else None
            shots = doubt.certain(board, self._positions, name, chosen)
            wanted[name] = None if shots is None else set(shots)
        if all(shots is None for shots in wanted.values()):
            return wanted
        resolved = {s.id: (s, scene) for s, scene in board.all_shots()}
        for name in reversed(self._order()):
            mine = wanted[name]
            waiting = list(resolved if mine is None else mine & set(resolved))
            while waiting:
                shot = Resolved(board, *resolved[waiting.pop()], name, self._positions)
                if shot.shot.skip or shot.clip is not None:  # nothing is made, so nothing is needed for it
                    continue
                before = chained(shot)
                if mine is not None and before in resolved and before not in mine:
                    mine.add(before)
                    waiting.append(before)
                guided = wanted.get(shot.guide) if shot.guide else None
                if guided is not None:
                    guided.add(shot.shot.id)
        return wanted

    def _in_order(self, found: list[Diagnostic]) -> list[Diagnostic]:
        names = {source.name: n for n, source in enumerate(self._sources)}
        last = len(names)
        told = {d.span for d in found if d.code < "SB1"}  # what the text is blamed for, its meaning isn't
        kept = [d for d in dict.fromkeys(found) if d.code < "SB1" or d.span not in told]
        if any(d.is_error for d in kept):
            kept = sorted(kept, key=lambda d: not d.is_error)[: syntax.MAX_FOUND]
        return sorted(kept, key=lambda d: (names.get(d.span.source.name, last), d.span.start, d.code))
