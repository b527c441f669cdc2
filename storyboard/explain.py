"""The pages of `storyboard explain`, one Markdown file a code: what a finding means, and how to cure it.

A page is its code and title, then the sections of `SECTIONS` under `##`. Of the blocks in `Example` and `Cure`, one
that starts with a comment such as `# series/cast.yaml` is that file, any other the storyboard.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storyboard.diagnostic import CODES, Severity
from storyboard.silence import WARNINGS

SECTIONS = ("What", "Why", "Example", "Cure", "More")
"""In this order; all but the last are in every page."""

GROUPS = {
    "SB0": "The text of the file",
    "SB1": "The shape of what is written",
    "SB2": "Names and files",
    "SB3": "What a model can make",
    "SB4": "Advice",
}

NEVER_SILENT = frozenset({"SB408"})
"""Warnings that can't be silenced: it is about a silence itself."""

_FOLDER = Path(__file__).parent / "pages"
_BLOCK = re.compile(r"^```(?:yaml|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"# (\S+\.(?:yaml|toml|lock))\n")


@dataclass(frozen=True)
class Page:
    """What one code means. `text` is the page's Markdown, `sections` its parts without their headings."""

    code: str
    title: str
    text: str
    sections: Mapping[str, str]

    @property
    def severity(self) -> Severity:
        """What a finding of this code is."""
        return severity(self.code)

    def files(self, section: str) -> dict[str, str]:
        """The files that a section shows, by name; the storyboard is `storyboard.yaml`."""
        found = {}
        for block in _BLOCK.findall(self.sections.get(section, "")):
            named = _NAMED.match(block)
            found[named[1] if named else "storyboard.yaml"] = block
        return found

    def plain(self) -> str:
        """The page for anything that isn't a terminal: text, with what is shown of files indented."""
        lines = [f"{self.code}: {self.title} ({self.severity})"]
        for name, section in self.sections.items():
            lines += ["", *([name, ""] if name != "What" else []), _indented(section)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The shape that `explain --json` prints: a key a section, and the storyboards that the page shows."""
        shown = {name: self.files(section).get("storyboard.yaml") for name, section in _SHOWN.items()}
        parts = {name.lower(): self.sections.get(name) for name in SECTIONS}
        return {"code": self.code, "title": self.title, "severity": self.severity, **parts, **shown}


_SHOWN = {"broken": "Example", "cured": "Cure"}


def severity(code: str) -> Severity:
    """Whether a code is an error's or a warning's."""
    return "warning" if code in WARNINGS or code in NEVER_SILENT else "error"


def code_of(written: str) -> str:
    """A code as it was most likely meant: `204`, `sb204` and `SB204` are one."""
    code = written.strip().upper()
    digits = code.removeprefix("SB")
    return f"SB{int(digits):03}" if digits.isascii() and digits.isdigit() and len(digits) < 4 else code


def page(code: str) -> Page:
    """The page of a code.

    Raises:
        KeyError: there is no such code.
        ValueError: the page hasn't the parts that a page has.
    """
    title = CODES[code]
    text = (_FOLDER / f"{code}.md").read_text("utf-8")
    head, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    sections = {name: body.strip() for name, _, body in (part.partition("\n") for part in parts)}
    if head != f"# {code}: {title}\n\n":
        raise ValueError(f"the page of {code} doesn't start with '# {code}: {title}'")
    if tuple(sections) not in {SECTIONS, SECTIONS[:-1]} or not all(sections.values()):
        raise ValueError(f"the page of {code} has the sections {', '.join(sections)}, not {', '.join(SECTIONS)}")
    return Page(code, title, text, sections)


def _indented(section: str) -> str:
    """A section with its blocks indented instead of fenced."""
    lines, inside = [], False
    for line in section.split("\n"):
        if line.startswith("```"):
            inside = not inside
        else:
            lines.append(f"    {line}".rstrip() if inside else line)
    return "\n".join(lines)
