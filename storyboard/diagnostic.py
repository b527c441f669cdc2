"""A finding about a storyboard, as a value. Rendering is `report`'s work."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from storyboard.source import Span

Severity = Literal["error", "warning"]

CODES: dict[str, str] = {
    "SB001": "the file can't be read",
    "SB002": "the file isn't UTF-8 text",
    "SB003": "the file is too large",
    "SB004": "the text isn't YAML",
    "SB005": "a key is written twice",
    "SB006": "an alias that can't be followed",
    "SB007": "the nesting is too deep",
    "SB008": "a merge key",
    "SB009": "a tag",
    "SB010": "more than one document",
    "SB011": "an empty file",
    "SB012": "a character that hides or reorders text",
    "SB013": "a control character in a text",
    "SB014": "a lock that can't be used",
    "SB101": "an unknown key",
    "SB102": "a missing key",
    "SB103": "a value of another type",
    "SB104": "a value out of range",
    "SB105": "an id that can't be one",
    "SB106": "a format version that this storyboard doesn't know",
    "SB107": "keys that exclude each other",
    "SB108": "takes that contradict each other",
    "SB109": "an unknown effect",
    "SB110": "a timecode that the frame rate doesn't have",
    "SB201": "an unknown character",
    "SB202": "an unknown pass",
    "SB203": "an id used twice",
    "SB204": "ids that differ only in case",
    "SB205": "an unknown model",
    "SB206": "a missing file",
    "SB207": "a path that leaves the project",
    "SB208": "a file of the wrong kind",
    "SB209": "a URL that can't be used",
    "SB210": "libraries that include each other",
    "SB211": "something written in two files",
    "SB212": "something that a library doesn't hold",
    "SB213": "passes that extend each other",
    "SB214": "a file that isn't what its sha256 says",
    "SB215": "an unknown shot",
    "SB216": "clips that wait for each other",
    "SB217": "an unknown set of shots",
    "SB218": "a clip that isn't made",
    "SB219": "a warning that can't be silenced so",
    "SB220": "seconds of something that isn't a video file",
    "SB221": "a fallback that adds nothing",
    "SB301": "a duration that no length of the model covers",
    "SB302": "a character that the model can't take",
    "SB303": "a shot without the reference that its model needs",
    "SB304": "a start frame for a model that takes none",
    "SB305": "a reference that the model leaves out",
    "SB306": "a switch that the model doesn't have",
    "SB307": "a picture size that the model doesn't offer",
    "SB308": "a transition longer than its shots",
    "SB309": "dialogue outside its shot",
    "SB310": "a model file that can't be used",
    "SB311": "a file for a model that takes URLs only",
    "SB312": "a request that the model's schema refuses",
    "SB313": "a guide for a model that takes no videos",
    "SB314": "no room for the guide",
    "SB315": "a shot that goes on from a frame that isn't shown",
    "SB316": "beats in a single shot",
    "SB317": "beats outside their shot, or out of order",
    "SB318": "sound that leads or follows too far",
    "SB319": "a clip too short for the transition out of it",
    "SB320": "a cut with a duration",
    "SB401": "a prompt longer than the model reads",
    "SB402": "a prompt that asks for sound where there is none",
    "SB403": "a prompt that asks for lettering",
    "SB404": "a prompt that names what shouldn't be seen",
    "SB405": "a prompt and a camera that contradict each other",
    "SB406": "a character that no shot uses",
    "SB407": "a character that is sent and not mentioned",
    "SB408": "a warning silenced that isn't given",
    "SB409": "a character's name without its @",
}
"""Every code and what it is about. SB0: the text; SB1: its shape; SB2: names and files; SB3: models; SB4: advice."""

LONGEST = 300
"""Characters of a message."""


@dataclass(frozen=True)
class Related:
    """Another place that explains a finding."""

    span: Span
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what is wrong in one terse sentence (`message`), where, and how to cure it (`help`)."""

    code: str
    message: str
    span: Span
    help: str = ""
    severity: Severity = "error"
    related: tuple[Related, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not in CODES")
        if len(self.message) > LONGEST:  # what it quotes is an author's, of any length
            object.__setattr__(self, "message", f"{self.message[: LONGEST - 101]}…{self.message[-100:]}")

    @property
    def is_error(self) -> bool:
        """True where the storyboard can't be compiled as it stands."""
        return self.severity == "error"

    def as_json(self) -> dict[str, Any]:
        """The shape that `check --json` prints; lines and columns from 1, the end exclusive."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            **_place(self.span),
            "help": self.help,
            "related": [{"message": r.message, **_place(r.span)} for r in self.related],
        }


def _place(span: Span) -> dict[str, Any]:
    line, column = span.source.line_column(span.start)
    end_line, end_column = span.source.line_column(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt `word`, else the known words (up to 12), as a sentence; "" for none."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a mistake needs it

    word, known = word[:100], list(known)
    folded = {k.casefold(): k for k in known}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    close = close or [k for k in folded if len(word) > 2 and k.startswith(word.casefold())][:1]
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    if not known:
        return ""
    listed = ", ".join(known[:12])
    return f"known: {listed}" + (f" and {len(known) - 12} more" if len(known) > 12 else "")


class Rejected(Exception):
    """A storyboard with errors; carries every finding."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = [d for d in self.diagnostics if d.is_error]
        first = errors[0] if errors else None
        super().__init__(f"{len(errors)} errors, first: {first.code} {first.message}" if first else "no errors")
