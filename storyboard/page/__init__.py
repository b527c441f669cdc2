"""Pages for reviewers: one file that needs nothing else, with the frames of both sides of a diff.

Nothing on it is fetched, runs or leads elsewhere. Frames take about 3 MB and thumbnails 1 MB of a page, however many
shots there are: the more, the smaller, from 320 pixels down to 80.
"""

from collections.abc import Sequence
from itertools import groupby

from storyboard import money, report, timing
from storyboard.diff import Diff, Made, Shown
from storyboard.diff.side import Side, Verdict
from storyboard.diff.words import KINDS
from storyboard.film import Shot
from storyboard.job import Job, Own
from storyboard.page import parts
from storyboard.page.markup import Child, Element, document, element
from storyboard.page.pictures import Picture, Pictures, Source, best
from storyboard.page.style import SHEET

__all__ = ["Picture", "Pictures", "of_diff"]

_STATES = {
    "same": "unchanged",
    "there": "another clip, which is there",
    "make": "to be made",
    "clip": "a clip of your own",
    "gone": "not made any more",
    "none": "nothing is made",
}
_CLASSES = {"approved": "good", "outdated": "warn", "none": None}


def of_diff(diff: Diff, pictures: Pictures, passes: Sequence[str] = (), *, moving: bool = False) -> str:
    """The page of a diff: per changed shot both sides next to each other; unchanged ones as thin strips between them.

    Args:
        passes: Whose clips are shown, the best first; by default of each side the last pass that has one.
        moving: Whether small copies of the clips stand in the page too.
    """
    seen = [
        (
            best(diff.old.kept, shot.old, pictures.store, passes),
            best(diff.new.kept, shot.new, pictures.store, passes),
        )
        for shot in diff.shots
    ]
    changed = [one for shot, pair in zip(diff.shots, seen, strict=True) if not shot.is_same for one in pair if one]
    same = [pair[1] for shot, pair in zip(diff.shots, seen, strict=True) if shot.is_same and pair[1]]
    pictures.make(changed, same, moving=moving)
    body: list[Child] = []
    rows = zip(range(1, len(diff.shots) + 1), diff.shots, seen, strict=True)
    for is_same, run in groupby(rows, lambda row: row[1].is_same):
        if is_same:
            found = [(shot.id, pictures.thumbnails.get(pair[1]) if pair[1] else None) for _, shot, pair in run]
            body += parts.strip(found)
        else:
            body += [_card(diff, number, shot, pair, pictures) for number, shot, pair in run]
    film = diff.new.film or diff.old.film
    title = film.title if film else "storyboard"
    return document(
        f"{title}: {diff.old.name} to {diff.new.name}",
        SHEET,
        element("header", _head(diff, title)),
        element("main", element("h2", "Shots"), body or element("p", "there are none", class_="faint")),
        element("footer", element("p", "Made by storyboard. This page fetches nothing and runs nothing.")),
    )


def _head(diff: Diff, title: str) -> list[Child]:
    """What is said of the whole: counts, costs, what differs of the film, and where the changed shots are."""
    words = [(kind, f"{count} {kind}") for kind in KINDS if (count := diff.count(kind))]
    changed = [(n, shot.name, _brief(shot)) for n, shot in enumerate(diff.shots, 1) if not shot.is_same]
    shared = [change._replace(field=f"{change.field}, in {count} shots alike") for change, count in diff.shared.items()]
    return [
        element("h1", title),
        element("p", diff.old.name, " → ", diff.new.name, class_="faint"),
        parts.badges([*words, ("same", f"{diff.count('same')} unchanged")]),
        _costs(diff),
        (element("h2", "The film"), parts.changes(diff.changes)) if diff.changes else None,
        (element("h2", "Many shots alike"), parts.changes(shared)) if shared else None,
        (element("h2", "Changed shots"), parts.index(changed)) if changed else None,
        element("p", "nothing differs", class_="good") if diff.is_same else None,
    ]


def _brief(shot: Shown) -> str:
    return ", ".join(shot.kinds) + ("" if shot.is_free else f", {report.dollars(money.usd(shot.cost))}")


def _costs(diff: Diff) -> Element:
    rows: list[Sequence[Child]] = [
        (
            total.pass_id,
            report.count(total.make, "clip"),
            report.dollars(money.usd(total.cost)),
            _approved(diff, total.pass_id),
        )
        for total in diff.totals
    ]
    rows.append(("all passes", "", element("strong", report.dollars(money.usd(diff.cost))), ""))
    head = ("pass", "to make", "cost", "approved")
    return element("div", element("h2", "Bringing it up to date"), parts.table(head, rows, (None, None, "price")))


def _approved(diff: Diff, pass_id: str) -> str:
    jobs = [shot.new for shot in diff.shots if shot.new and _job(diff.new, pass_id, shot.new)]
    good = sum(diff.new.verdict(pass_id, shot.id).word == "approved" for shot in jobs)
    return f"{good} of {report.count(len(jobs), 'shot')}" if jobs else "-"


def _card(
    diff: Diff, number: int, shot: Shown, seen: tuple[Source | None, Source | None], pictures: Pictures
) -> Element:
    its = shot.new or shot.old
    assert its is not None
    told = [change for change in shot.changes if change not in diff.shared]
    alike = [change.field for change in shot.changes if change in diff.shared]
    was = element("del", shot.old.id) if shot.old and "renamed" in shot.kinds else None
    cost = None if shot.is_free else element("span", report.dollars(money.usd(shot.cost)), class_="cost")
    length = " · ".join(filter(None, (its.scene, its.setting, timing.shown(its.asked))))
    head = (
        element("h3", was, " " if was else None, shot.id),
        parts.badges((kind, kind) for kind in shot.kinds),
        element("span", length, class_="faint"),
        cost,
    )
    sides = ((diff.old, shot.old, seen[0]), (diff.new, shot.new, seen[1]))
    views = [_view(side, one, source, shot, pictures, is_new=side is diff.new) for side, one, source in sides]
    tables = [
        parts.changes(told),
        element("p", f"and as in many shots: {', '.join(alike)}", class_="faint") if alike else None,
        _passes(diff, shot),
    ]
    return parts.card(number, head, its.words, views, tables)


def _view(
    side: Side, one: Shot | None, source: Source | None, shot: Shown, pictures: Pictures, *, is_new: bool
) -> parts.View:
    """A side of a shot: its best clip, or why there is none and what it would cost."""
    if one is None:
        return parts.View(side.name, instead=f"not in {side.name}")
    if source:
        frames = pictures.frames.get(source, ())
        label = f"{side.name}, {source.pass_id}"
        return parts.View(label, frames, "its clip can't be shown", pictures.clips.get(source, ""))
    if one.skip:
        return parts.View(side.name, instead="skipped")
    missing = [_missing(made) for made in shot.passes] if is_new else []
    return parts.View(side.name, instead="; ".join(["no clip here", *filter(None, missing)]))


def _missing(made: Made) -> str:
    if not isinstance(made.new, Job) or made.new.local:
        return ""
    return f"{made.pass_id} costs {report.dollars(money.usd(made.new.cost))}"


def _passes(diff: Diff, shot: Shown) -> Element | None:
    """What each pass makes of a shot, on both sides, and whether somebody said that it is good."""
    rows: list[Sequence[Child]] = []
    for made in shot.passes:
        said = diff.new.verdict(made.pass_id, shot.new.id) if shot.new else Verdict("none")
        cost = report.dollars(money.usd(made.cost)) if made.makes else "-"
        takes = f" ({len(made.makes)} takes)" if len(made.makes) > 1 else ""
        rows.append(
            (
                made.pass_id,
                _STATES[made.state] + takes,
                element("code", _keys(made)),
                cost,
                element("span", str(said) if said.who else "-", class_=_CLASSES[said.word]),
            )
        )
    head = ("pass", "clip", "key", "cost", "approval")
    return parts.table(head, rows, (None, None, None, "price")) if rows else None


def _keys(made: Made) -> str:
    old, new = (_digits(one) for one in (made.old, made.new))
    return new if old == new else f"{old} → {new}"


def _digits(made: Job | Own | None) -> str:
    if made is None:
        return "-"
    known = made.sha256 if isinstance(made, Own) else made.key
    return known[:8] if known else "not known yet"


def _job(side: Side, pass_id: str, shot: Shot) -> Job | None:
    film = side.kept
    return film.job(pass_id, shot.id) if film and pass_id in film.jobs else None
