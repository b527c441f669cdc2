"""The contact sheet: three pictures a shot with all that is said of it, as an image and as pages."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from storyboard.cut import sheet
from storyboard.store import Blob, Record
from storyboard.timeline import Clip, Join, Origin, Span, Timeline

DRAFT = {"pass_id": "draft"}
BOUGHT = Origin("wavespeed/x", "k" * 64, 1, Decimal("0.25"))


def film(*clips: Clip, size: tuple[int, int] = (1280, 720), title: str = "The Keeper") -> Timeline:
    return Timeline(title, "final", Fraction(24), *size, clips)


def clip(shot: str = "s010", **fields: object) -> Clip:
    known = {"scene": "The bay", "setting": "", "start": 0, "frames": 84, "source": Span(Fraction(0), Fraction(5))}
    known |= {"media": Blob("a" * 64, 1, "/"), "pass_id": "final", "prompt": "Mira lights the lamp"}
    return Clip(shot, **{**known, **fields})  # type: ignore[arg-type]


def still(folder: Path, colour: tuple[int, int, int], size: tuple[int, int] = (640, 360)) -> Blob:
    drawn = folder / "drawn.jpg"
    Image.new("RGB", size, colour).save(drawn, quality=95)
    name = sha256(drawn.read_bytes()).hexdigest()
    return Blob(name, drawn.rename(folder / name).stat().st_size, str(folder))


def parts(folder: Path, count: int, size: tuple[int, int] = (640, 360)) -> list[Record]:
    stills = [still(folder, colour, size) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    return [Record("k", dict(zip(("first", "middle", "last"), stills, strict=True)), {})] * count


def read(path: Path) -> tuple[list[str], list[bytes]]:
    """The text of each page of a PDF, by its fonts' own maps, and its pictures; its table must be right."""
    data = path.read_bytes()
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])  # type: ignore[index]
    places = [int(row) for row in re.findall(rb"(\d{10}) 00000 n \n", data[start:])]
    for number, place in enumerate(places, 1):
        assert data[place:].startswith(b"%d 0 obj\n" % number)
    ends = [*sorted(places), start]
    bodies = {n: data[place : ends[ends.index(place) + 1]] for n, place in enumerate(places, 1)}

    def stream(body: bytes) -> bytes:
        length = int(re.search(rb"/Length (\d+)", body)[1])  # type: ignore[index]
        at = body.index(b"stream\n") + 7
        assert body[at + length :].startswith(b"\nendstream")
        return body[at : at + length]

    meanings: dict[str, dict[str, str]] = {}
    fonts = re.search(rb"/Font << (.*?) >>", data)[1]  # type: ignore[index]
    for name, number in re.findall(rb"/(F\d) (\d+) 0 R", fonts):
        table = int(re.search(rb"/ToUnicode (\d+) 0 R", bodies[int(number)])[1])  # type: ignore[index]
        pairs = re.findall(rb"<(\w{4})> <(\w+)>", zlib.decompress(stream(bodies[table])))
        meanings[name.decode()] = {a.decode(): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in pairs}
    pages = []
    for number in re.findall(rb"/Type /Page .*?/Contents (\d+) 0 R", data):
        drawn = zlib.decompress(stream(bodies[int(number)])).decode()
        lines = re.findall(r"/(F\d) \S+ Tf .*? <(\w*)> Tj", drawn)
        spelt = ("".join(meanings[font][code] for code in re.findall("....", codes)) for font, codes in lines)
        pages.append("\n".join(spelt))
    return pages, [stream(body) for body in bodies.values() if b"/DCTDecode" in body]


def pages(folder: Path, *clips: Clip, **fields: object) -> tuple[list[str], list[bytes]]:
    sheet.pages(film(*clips, **fields), parts(folder, len(clips)), folder / "sheet.pdf")  # type: ignore[arg-type]
    return read(folder / "sheet.pdf")


def said(folder: Path, *clips: Clip) -> str:
    return "\n".join(pages(folder, *clips)[0])


def test_each_shot_shows_its_first_middle_and_last_picture(tmp_path: Path) -> None:
    made = parts(tmp_path, 1)
    sheet.make(film(clip()), made, tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as drawn:
        row = np.asarray(drawn.convert("RGB"))[200].astype(int)
    found = [np.flatnonzero((row[:, n] > 200) & (row.sum(1) < 300)) for n in range(3)]
    assert [len(columns) for columns in found] == pytest.approx([320] * 3, abs=6)
    assert found[0][-1] < found[1][0] < found[1][-1] < found[2][0]
    shown, pictures = pages(tmp_path, clip())
    assert pictures == [blob.path.read_bytes() for blob in made[0].outputs.values()]
    assert len(shown) == 1


def test_what_is_said_of_a_shot(tmp_path: Path) -> None:
    text = said(tmp_path, clip(origin=BOUGHT))
    for words in ("s010", "The bay", "3.5 s", "$0.25", "Mira lights the lamp", "1 shot", "The Keeper", "24 frames/s"):
        assert words in text


@pytest.mark.parametrize(
    ("fields", "there", "absent"),
    [
        ({"pass_id": "draft"}, ["draft for final"], ["SLATE", "price"]),
        ({"media": None}, ["SLATE for final"], ["price", "take"]),
        ({"join": Join("dissolve", 12)}, ["dissolve 0.5 s"], ["for final"]),
        ({"origin": BOUGHT._replace(cost=None)}, ["price unknown", "$0.00 and 1 of unknown price"], []),
        ({"origin": BOUGHT._replace(cost=Decimal("0.00"))}, [], ["price", "$"]),
        ({"origin": BOUGHT._replace(take=3)}, ["take 3"], []),
        ({}, [], ["price", "$", "take", "for final", "dissolve"]),
    ],
)
def test_what_isnt_as_one_expects_is_marked(
    tmp_path: Path, fields: dict[str, object], there: Sequence[str], absent: Sequence[str]
) -> None:
    text = said(tmp_path, clip(**fields))
    assert all(words in text for words in there)
    assert not any(words in text for words in absent)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (500, 500), (2048, 858)])
def test_the_pages_hold_every_shot_in_order(tmp_path: Path, size: tuple[int, int]) -> None:
    shown, pictures = pages(tmp_path, *(clip(f"shot{n}.") for n in range(70)), size=size)
    assert len(shown) > 1
    assert re.findall(r"shot(\d+)\.", "\n".join(shown)) == [str(n) for n in range(70)]
    assert len(pictures) == 3, "the same bytes are there once"
    assert all(f"{n}/{len(shown)}" in page for n, page in enumerate(shown, 1))


@pytest.mark.parametrize(("count", "size"), [(1, (640, 360)), (49, (360, 640)), (900, (640, 360)), (900, (90, 640))])
def test_the_image_ends_where_a_jpeg_does(tmp_path: Path, count: int, size: tuple[int, int]) -> None:
    timeline = film(*(clip(f"s{n}", prompt="") for n in range(count)), size=size)
    sheet.make(timeline, parts(tmp_path, count, size), tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as drawn:
        assert drawn.height <= 65_000
        assert drawn.width <= 2200


@pytest.mark.parametrize("text", ["", "()<>\\ %PDF \x00", "日本語 🙂", "W" * 5000, "word " * 5000, "a\nb\tc"])
def test_any_words_can_stand_on_a_sheet(tmp_path: Path, text: str) -> None:
    odd = clip(text[:64] or "s", scene=text, prompt=text, pass_id=text)
    timeline = film(odd, title=text)
    sheet.make(timeline, parts(tmp_path, 1), tmp_path / "sheet.jpg")
    sheet.pages(timeline, parts(tmp_path, 1), tmp_path / "sheet.pdf")
    (shown,), _ = read(tmp_path / "sheet.pdf")
    assert "3.5 s" in shown
    if "PDF" in text:
        assert "()<>\\ %PDF" in shown
    if "日" in text:
        assert "□□□" in shown


def test_the_key_covers_all_that_is_shown_and_nothing_else(tmp_path: Path) -> None:
    one, timeline = clip(origin=BOUGHT), film(clip())
    made = parts(tmp_path, 1)
    other = [made[0]._replace(outputs={**made[0].outputs, "last": still(tmp_path, (9, 9, 9))})]

    def shows(shown: Clip, whole: Timeline = timeline, pictures: list[Record] = made) -> str:
        return repr(sheet.content(replace(whole, clips=(shown,)), pictures))

    changed = [replace(one, shot="x"), replace(one, scene="x"), replace(one, prompt="x"), replace(one, frames=85)]
    changed += [replace(one, media=None), replace(one, join=Join("wipeleft", 6)), clip(**DRAFT)]
    changed += [
        replace(one, origin=BOUGHT._replace(**each)) for each in ({"take": 2}, {"cost": None}, {"cost": Decimal(2)})
    ]
    seen = [shows(one), *map(shows, changed), shows(one, replace(timeline, title="x")), shows(one, pictures=other)]
    assert len(set(seen)) == len(seen)
    assert shows(replace(one, start=7, notes="x")) == shows(one)


def test_the_same_film_gives_the_same_bytes(tmp_path: Path) -> None:
    timeline, made = film(clip(), clip("s020")), parts(tmp_path, 2)
    for name, write in (("sheet.jpg", sheet.make), ("sheet.pdf", sheet.pages)):
        write(timeline, made, tmp_path / name)
        before = (tmp_path / name).read_bytes()
        write(timeline, made, tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
