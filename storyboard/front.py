"""The front end: a storyboard's text to findings, and to the compiled film."""

from pathlib import Path

from storyboard import prompt, syntax
from storyboard.assets import Assets
from storyboard.catalog import Catalog, own
from storyboard.decode import Positions, decode
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.film import Film, Pass, Shot
from storyboard.lower import Lowered, display_name, lower
from storyboard.model import Storyboard
from storyboard.resolve import DEFAULTS
from storyboard.rules import check
from storyboard.rules.context import Context
from storyboard.source import Source


class Front:
    """A storyboard that was read and decoded. `models` is the folder of its own model files.

    Raises:
        Rejected: the text isn't YAML, or isn't shaped like a storyboard; carries every finding.
    """

    def __init__(self, source: Source, assets: Assets, models: Path) -> None:
        root, found = syntax.parse(source)
        if root is None:
            raise Rejected(found)
        board, positions, misshapen = decode(root)
        if board is None or positions is None:
            raise Rejected(_in_order([*found, *misshapen]))
        self.board: Storyboard = board
        self._positions: Positions = positions
        added, unusable = own.read(models, models.name)
        self._found = [*found, *unusable]
        self._models = Catalog(added)
        self._assets = assets

    def check(self) -> list[Diagnostic]:
        """Every finding: of the text, of the rules, and of compiling every pass."""
        return self._compile()[1]

    def film(self) -> Film:
        """The compiled film.

        Raises:
            Rejected: the storyboard has errors.
        """
        lowered, found = self._compile()
        if any(finding.is_error for finding in found):
            raise Rejected(found)
        board = self.board
        passes = {name: Pass(p.model, p.resolution or DEFAULTS["resolution"]) for name, p in board.passes.items()}
        return Film(
            board.title,
            board.aspect,
            board.fps,
            board.first_pass,
            passes,
            tuple(self._shots()),
            {name: tuple(one.jobs) for name, one in lowered.items()},
            {name: tuple(one.findings) for name, one in lowered.items()},
            board.budget,
        )

    def _compile(self) -> tuple[dict[str, Lowered], list[Diagnostic]]:
        found = [*self._found, *check(Context(self.board, self._positions, self._models, self._assets))]
        lowered = {}
        for name in self.board.passes:
            lowered[name] = lower(self.board, name, self._positions, self._models, self._assets)
            found += lowered[name].findings
        return lowered, _in_order(found)

    def _shots(self) -> list[Shot]:
        board, fps = self.board, self.board.fps
        known = board.characters
        return [
            Shot(
                shot.id,
                (scene.title or scene.id) if scene else "",
                prompt.replace(shot.prompt, known, lambda character: display_name(board, character)).strip(),
                tuple(line.line for line in shot.dialogue),
                shot.duration.seconds(fps),
                shot.trim.in_.seconds(fps),
                shot.skip,
            )
            for shot, scene in board.all_shots()
        ]


def _in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(dict.fromkeys(found), key=lambda d: ("/" in d.span.source.name, d.span.start, d.code))
