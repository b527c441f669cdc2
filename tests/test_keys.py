"""Job keys: the golden grid, and the laws that a key obeys.

A changed key is a clip bought twice, so keys may change only together with `KEY_VERSION`.
"""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyboard
from storyboard import digest
from storyboard.job import KEY_VERSION, key_of

GOLDEN = Path(__file__).parent / "cases" / "keys.txt"

MODELS = {
    "animatic": "local/animatic",
    "flash": "wavespeed/alibaba/wan-2.6/reference-to-video-flash",
    "standard": "wavespeed/alibaba/wan-2.6/reference-to-video",
    "image": "wavespeed/alibaba/wan-2.6/image-to-video-flash",
}
PROMPTS = {
    "mira": "@mira climbs the stair",
    "both": "@tom waves; @mira, lamp in hand, looks up",
    "unicode": "@mira says «Καλημέρα», Привет & “naïve” — 日本",
}
DURATIONS = ("2", "5", "7.5", "120f")
VARIANTS = (
    "",
    "camera: slow dolly in",
    "negative: rain",
    "take: 3",
    "seed: 2147483647",
    "trim: {in: 0.5}",
)


def boards() -> Iterator[tuple[str, str]]:
    """Names and storyboards: every model, prompt, duration and variant, in two sizes."""
    for (model, path), (words, prompt), size in product(MODELS.items(), PROMPTS.items(), ("16:9 720p", "9:16 1080p")):
        aspect, resolution = size.split()
        shots = "\n".join(
            f"  - {{id: {duration.replace('.', '_')}-{n}, prompt: {json.dumps(prompt, ensure_ascii=False)}, "
            f"duration: {duration}{', ' + variant if variant else ''}}}"
            for duration, (n, variant) in product(DURATIONS, enumerate(VARIANTS))
            if n == 0 or duration == "5"
        )
        yield (
            f"{model} {words} {size}",
            f"""\
storyboard: 1
aspect: {aspect}
style: {{prompt: "35mm film", negative: "text, watermark"}}
characters:
  mira: {{look: "a keeper, sixty", references: [front.png, turn.mp4]}}
  tom: {{name: Young Tom, references: [walk.mp4, tom.png]}}
passes:
  p: {{model: {path}, resolution: {resolution}}}
shots:
{shots}
""",
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References whose bytes never change: fixed files, not what an encoder of the day makes."""
    place = tmp_path_factory.mktemp("keys")
    for name, byte in (("front.png", b"\1"), ("tom.png", b"\2")):
        (place / name).write_bytes(b"\x89PNG\r\n\x1a\n" + byte * 64)
    for name, byte in (("turn.mp4", b"\3"), ("walk.mp4", b"\4")):
        (place / name).write_bytes(b"\0\0\0\x18ftypisom" + byte * 64)
    return place


def keys(folder: Path) -> dict[str, str]:
    made = {}
    for name, text in boards():
        (folder / "storyboard.yaml").write_text(text, "utf-8")
        for step in storyboard.load(folder / "storyboard.yaml").plan().steps:
            assert step.job is not None
            made[f"{name} {step.shot}"] = str(step.job.key)
    return made


def test_keys_are_the_golden_ones(folder: Path, request: pytest.FixtureRequest) -> None:
    now = keys(folder)
    assert len(now) >= 200
    text = f"key version {KEY_VERSION}\n" + "".join(f"{name}: {key}\n" for name, key in now.items())
    known = GOLDEN.read_text("utf-8") if GOLDEN.exists() else ""
    before = dict(re.findall(r"^(.+): ([0-9a-f]{64})$", known, re.MULTILINE))
    if known.startswith(f"key version {KEY_VERSION}\n"):
        changed = [name for name, key in now.items() if before.get(name, key) != key]
        assert not changed, f"{len(changed)} keys changed, first '{changed[0]}': raise KEY_VERSION in storyboard/job.py"
    if request.config.getoption("--golden"):
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8"), "run 'make golden' and review the diff"


def test_different_jobs_have_different_keys(folder: Path) -> None:
    requests: dict[str, bytes] = {}
    for _, text in boards():
        (folder / "storyboard.yaml").write_text(text, "utf-8")
        for step in storyboard.load(folder / "storyboard.yaml").plan().steps:
            assert step.job is not None
            body = digest.canonical({"model": step.job.model, "request": dict(step.job.request)})
            assert requests.setdefault(str(step.job.key), body) == body
    assert len(requests) > 150


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_matter(request: dict[str, object], shuffle: object) -> None:
    names = list(request)
    shuffle.shuffle(names)  # type: ignore[attr-defined]
    assert key_of("m", request) == key_of("m", {name: request[name] for name in names})


@given(st.dictionaries(st.text(), JSON, max_size=6), st.dictionaries(st.text(), JSON, max_size=6))
def test_equal_keys_mean_equal_requests(one: dict[str, object], other: dict[str, object]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key_of("m", one) == key_of("m", other)) == same


@pytest.mark.parametrize("value", [{"a": 1.0}, [0.5], {"a": [{"b": float("nan")}]}, {1: 2}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        digest.canonical(value)


def test_the_key_covers_the_model_and_the_version() -> None:
    assert key_of("a", {}) != key_of("b", {})
    assert key_of("a", {}) == digest.of({"key": KEY_VERSION, "model": "a", "request": {}})


def test_references_stand_by_their_bytes(folder: Path) -> None:
    text = next(t for n, t in boards() if n.startswith("flash both 16:9"))
    (folder / "storyboard.yaml").write_text(text, "utf-8")
    step = storyboard.load(folder / "storyboard.yaml").plan().steps[0]
    assert step.job is not None
    walk, front, tom, turn = (digest.sha256_file(folder / f) for f in ("walk.mp4", "front.png", "tom.png", "turn.mp4"))
    # The N-th mentioned character is the N-th reference; everyone's second ones follow in the same order.
    assert step.job.request["reference_urls"] == [f"sha256:{sha}" for sha in (walk, front, tom, turn)]
    assert step.job.request["prompt"] == "character1 waves; character2, lamp in hand, looks up. 35mm film."
