"""Warnings that the author silenced, each with a reason: `allow: {SB404: the empty street is the point}`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from storyboard.decode import Positions
from storyboard.diagnostic import CODES, Diagnostic, did_you_mean
from storyboard.model import Character, Pass, Scene, Shot, Storyboard
from storyboard.source import Span

WARNINGS = frozenset(
    {"SB305", "SB306", "SB315", "SB319", "SB320", "SB401", "SB402", "SB403", "SB404", "SB405", "SB406", "SB407"}
    | {"SB409"}
)
"""The codes that a storyboard may silence: warnings, which it also compiles with."""


class _Allowed(NamedTuple):
    codes: Mapping[str, str]
    within: Span
    owner: object


def silenced(board: Storyboard, at: Positions, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings without those that are allowed where they stand, and what is wrong with the silences.

    A silence covers what stands inside the shot, scene, pass or character that it is written in, or all of the film.
    """
    silences = [_Allowed(one.allow, span, one) for one, span in _owners(board, at) if one.allow]
    if not silences:
        return list(found)
    kept, used = [], set()
    for finding in found:
        by = next((s for s in silences if not finding.is_error and _covers(s, finding, board)), None)
        if by is None:
            kept.append(finding)
        else:
            used.add((id(by.owner), finding.code))
    return [*kept, *_wrong(silences, used, at, complete=not any(finding.is_error for finding in found))]


def _owners(board: Storyboard, at: Positions) -> Iterator[tuple[Storyboard | Scene | Shot | Pass | Character, Span]]:
    """Whatever may hold a silence, and the text that it covers: for what is named by a key, the key too."""
    yield board, at.of(board)
    for scene in board.scenes:
        yield scene, at.of(scene)
    for shot, _ in board.all_shots():
        if shot.allow:
            yield shot, at.of(shot)
    for named in (board.passes, board.characters):
        for name, one in named.items():
            if one.allow:
                source, start, _ = at.key(named, name)
                yield one, Span(source, start, at.of(one).end)


def _covers(silence: _Allowed, finding: Diagnostic, board: Storyboard) -> bool:
    if finding.code not in silence.codes:
        return False
    span, within = finding.span, silence.within
    inside = span.source is within.source and within.start <= span.start and span.end <= within.end
    return inside or silence.owner is board


def _wrong(
    silences: Sequence[_Allowed], used: set[tuple[int, str]], at: Positions, *, complete: bool
) -> Iterator[Diagnostic]:
    """SB219, SB408: silences of what is no warning, or isn't given: with errors, not all warnings are known."""
    for silence in silences:
        for code in silence.codes:
            span = at.key(silence.codes, code)
            if code not in CODES:
                yield Diagnostic("SB219", f"there is no code '{code[:40]}'", span, did_you_mean(code, sorted(WARNINGS)))
            elif code not in WARNINGS:
                help_ = f"'storyboard explain {code}' says how to cure it"
                yield Diagnostic("SB219", f"{code} is no warning that can be silenced: {CODES[code]}", span, help_)
            elif complete and (id(silence.owner), code) not in used:
                yield Diagnostic("SB408", f"{code} isn't given here", span, "remove it", "warning")
