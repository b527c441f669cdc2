"""What is sent: prompts, references, lengths, switches and prices, as the language lays down."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyboard
from storyboard import money, prompt
from storyboard.catalog import Catalog
from storyboard.job import Job
from tests.folder import Folder

FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
STANDARD = "wavespeed/alibaba/wan-2.6/reference-to-video"
IMAGE = "wavespeed/alibaba/wan-2.6/image-to-video-flash"


def job(project: Folder, text: str, pass_: str | None = None) -> Job:
    """The job of a storyboard's first shot."""
    project.write("storyboard: 1\n" + text)
    made = storyboard.load(project.path / "storyboard.yaml").plan(pass_).steps[0].job
    assert made is not None
    return made


def codes(project: Folder, text: str) -> list[str]:
    project.write("storyboard: 1\n" + text)
    return [finding.code for finding in storyboard.check(project.path / "storyboard.yaml")]


def cast(project: Folder, *names: str) -> str:
    """Characters with a picture and a video each."""
    lines = ["characters:"]
    for n, name in enumerate(names):
        project.picture(f"{name}.png", color=f"rgb({n * 20},9,9)")
        (project.path / f"{name}.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes([n]) * 64)
        lines.append(f"  {name}: {{look: looks like {name}, references: [{name}.png, {name}.mp4]}}")
    return "\n".join(lines) + "\n"


def test_the_smallest_storyboard(project: Folder) -> None:
    made = job(project, "shots:\n  - {id: a, prompt: A boat}\n")
    assert made.model == "local/animatic"
    assert dict(made.request) == {
        "prompt": "A boat.",
        "caption": "A boat",
        "camera": "",
        "dialogue": [],
        "size": "1280x720",
        "fps": "24",
        "frames": 120,
        "seed": 1,
    }
    assert made.cost == 0


def test_every_default_is_sent(project: Folder) -> None:
    text = cast(project, "mira") + f'passes: {{p: {{model: {FLASH}}}}}\nshots:\n  - {{id: a, prompt: "@mira"}}\n'
    request = dict(job(project, text).request)
    assert len(request.pop("reference_urls")) == 2
    assert request == {
        "prompt": "character1.",
        "size": "1280*720",
        "duration": 5,
        "shot_type": "single",
        "enable_audio": False,
        "enable_prompt_expansion": False,
        "seed": 1,
    }


def test_the_prompt_is_shot_camera_scene_and_storyboard(project: Folder) -> None:
    made = job(
        project,
        """\
style: {prompt: 35mm film, negative: text}
passes: {p: {model: local/animatic}}
scenes:
  - id: one
    style: {prompt: " night! ", negative: people}
    shots:
      - {id: a, prompt: "A boat?", camera: dolly in, negative: rain}
""",
    )
    assert made.request["prompt"] == "A boat? dolly in. night! 35mm film."


def test_the_negative_prompt_is_shot_pass_scene_and_storyboard(project: Folder) -> None:
    text = (
        cast(project, "mira")
        + f"""\
style: {{negative: text}}
passes: {{p: {{model: {FLASH}, negative: blur}}}}
scenes:
  - id: one
    style: {{negative: people}}
    shots:
      - {{id: a, prompt: "@mira", negative: rain}}
"""
    )
    assert job(project, text).request["negative_prompt"] == "rain, blur, people, text"


@pytest.mark.parametrize(
    ("shot", "pass_", "override", "sent"),
    [
        ("", "", "", 7),
        ("seed: 20", "", "", 20),
        ("take: 3", "", "", 9),
        ("seed: 20, take: 2", "seed: 50", "", 21),
        ("", "seed: 50", "", 50),
        ("seed: 20, take: 4", "seed: 50", "seed: 90", 93),
        ("take: 4", "", "take: 2", 8),
    ],
)
def test_the_seed(project: Folder, shot: str, pass_: str, override: str, sent: int) -> None:
    parts = ", ".join(part for part in ("id: a", "prompt: x", shot, f"passes: {{p: {{{override}}}}}") if part)
    settings = ", ".join(part for part in ("model: local/animatic", pass_) if part)
    assert job(project, f"seed: 7\npasses: {{p: {{{settings}}}}}\nshots:\n  - {{{parts}}}\n").request["seed"] == sent


def test_a_model_without_references_gets_the_look_at_the_first_mention(project: Folder) -> None:
    text = (
        cast(project, "mira", "tom")
        + f"""\
passes: {{p: {{model: {IMAGE}}}}}
shots:
  - {{id: a, prompt: "@mira waits. @tom comes; @mira waves."}}
"""
    )
    request = job(project, text).request
    assert request["prompt"] == "Mira (looks like mira) waits. Tom (looks like tom) comes; Mira waves."
    assert "mira" not in str(request["image"])


def test_characters_fix_the_order_and_bind_without_a_mention(project: Folder) -> None:
    text = (
        cast(project, "mira", "tom", "ana")
        + f"""\
passes: {{p: {{model: {FLASH}}}}}
shots:
  - {{id: a, prompt: "@mira waits for @ana", characters: [tom, ana]}}
"""
    )
    made = job(project, text)
    assert [given.label for given in made.inputs.values()] == [
        *("tom.png", "ana.png", "mira.png"),
        *("tom.mp4", "ana.mp4"),
    ]
    assert made.request["prompt"] == "character3 waits for character2."


def test_flash_takes_five_references_and_three_videos(project: Folder) -> None:
    names = ("a1", "a2", "a3", "a4", "a5", "a6")
    text = cast(project, *names) + f"passes: {{p: {{model: {FLASH}}}}}\nshots:\n"
    five = text + '  - {id: s, prompt: "@a1 @a2 @a3 @a4 @a5"}\n'
    assert [i.label for i in job(project, five).inputs.values()] == [f"a{n}.png" for n in range(1, 6)]
    assert codes(project, five) == ["SB305"] * 5 + ["SB406"]
    found = codes(project, text + '  - {id: s, prompt: "@a1 @a2 @a3 @a4 @a5 @a6"}\n')
    assert found.count("SB302") == 1


def test_standard_takes_two_videos_and_no_pictures(project: Folder) -> None:
    text = cast(project, "mira", "tom", "ana") + f"passes: {{p: {{model: {STANDARD}}}}}\nshots:\n"
    made = job(project, text + '  - {id: s, prompt: "@tom @mira"}\n')
    assert [given.label for given in made.inputs.values()] == ["tom.mp4", "mira.mp4"]
    assert codes(project, text + '  - {id: s, prompt: "@mira @tom @ana"}\n').count("SB302") == 1


def test_a_start_frame_comes_before_a_character(project: Folder) -> None:
    project.picture("first.png", "red")
    text = cast(project, "mira") + 'shots:\n  - {id: s, prompt: "@mira", start_frame: first.png}\n'
    assert [given.label for given in job(project, text).inputs.values()] == ["first.png"]


@pytest.mark.parametrize(
    ("model", "asked", "bought"),
    [
        (FLASH, "2", 5),
        (FLASH, "5", 5),
        (FLASH, "121f", 10),
        (FLASH, "4.5, trim: {in: 0.5}", 5),
        (FLASH, "4.5, trim: {in: 13f}", 10),
        (IMAGE, "1", 2),
        (IMAGE, "6.01", 7),
        (IMAGE, "15", 15),
    ],
)
def test_the_smallest_length_that_covers_trim_and_duration_is_bought(
    project: Folder, model: str, asked: str, bought: int
) -> None:
    text = (
        cast(project, "mira")
        + f'passes: {{p: {{model: {model}}}}}\nshots:\n  - {{id: s, prompt: "@mira", duration: {asked}}}\n'
    )
    assert job(project, text).request["duration"] == bought


def test_an_https_reference_is_known_by_its_sha256_or_not_yet(project: Folder) -> None:
    sha = "ab" * 32
    board = f"""\
characters:
  mira:
    references:
      - {{url: https://example.org/mira.png, sha256: {sha}}}
passes: {{p: {{model: {FLASH}}}}}
shots:
  - {{id: s, prompt: "@mira"}}
"""
    known = job(project, board)
    assert known.request["reference_urls"] == [f"sha256:{sha}"]
    assert known.key is not None
    project.write("storyboard: 1\n" + board.replace(f", sha256: {sha}", ""))
    (step,) = storyboard.load(project.path / "storyboard.yaml").plan().steps
    assert step.job is not None
    assert (step.state, step.job.key) == ("submit", None)
    assert step.reasons == ("https://example.org/mira.png: its bytes aren't known yet",)


def prices() -> list[tuple[str, str, int, bool, str]]:
    rows: list[tuple[str, str, int, bool, str]] = []
    flash = {("720p", 5): ("0.25", "0.50"), ("720p", 10): ("0.375", "0.75")}
    flash |= {("1080p", 5): ("0.40", "0.80"), ("1080p", 10): ("0.60", "1.20")}
    for (resolution, seconds), (silent, sound) in flash.items():
        rows += [(FLASH, resolution, seconds, False, silent), (FLASH, resolution, seconds, True, sound)]
    standard = {("720p", 5): "1.00", ("720p", 10): "1.50", ("1080p", 5): "1.50", ("1080p", 10): "2.25"}
    rows += [(STANDARD, resolution, seconds, False, usd) for (resolution, seconds), usd in standard.items()]
    image = {("720p", 5, False): "0.125", ("720p", 10, True): "0.50", ("1080p", 15, True): "1.125"}
    return rows + [(IMAGE, *of, usd) for of, usd in image.items()]


@pytest.mark.parametrize(("model", "resolution", "seconds", "audio", "usd"), prices())
def test_prices_are_the_published_ones(
    project: Folder, model: str, resolution: str, seconds: int, audio: bool, usd: str
) -> None:
    switches = f"resolution: {resolution}" + (f", audio: {str(audio).lower()}" if model != STANDARD else "")
    text = (
        cast(project, "mira")
        + f"""\
passes: {{p: {{model: {model}, {switches}}}}}
shots:
  - {{id: s, prompt: "@mira", duration: {seconds}}}
"""
    )
    assert job(project, text).cost == Decimal(usd)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "0.00"), ("0.25", "0.25"), ("0.125", "0.125"), ("1.5", "1.50"), ("1.5000", "1.50"), ("1E+1", "10.00")],
)
def test_money_has_two_decimals_and_no_needless_zeros(amount: str, shown: str) -> None:
    assert money.usd(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@mira climbs", ["mira"]),
        ("(@mira), @tom.", ["mira", "tom"]),
        ("write to mira@example.org", []),
        ("@mira's lamp, @mira-like, @mira.", ["mira", "mira", "mira"]),
        ("@míra and @日本", ["míra", "日本"]),
        ("a @ b @", []),
        ("@nobody", ["nobody"]),
        ("@tom.two @tom.three", ["tom.two", "tom"]),
    ],
)
def test_mentions(text: str, found: list[str]) -> None:
    known = {"mira", "tom", "tom.two", "míra", "日本"}
    assert [mention.id for mention in prompt.mentions(text, known)] == found


@given(st.text(alphabet="@.-_ ab日é\n", max_size=40))
def test_a_mention_is_where_it_says(text: str) -> None:
    for mention in prompt.mentions(text, {"a", "ab"}):
        assert text[mention.start : mention.end] == f"@{mention.id}"
        assert mention.id


def test_the_catalogue_is_whole() -> None:
    catalog = Catalog()
    words = {"prompt", "size", "seed"}
    for name in catalog:
        model = catalog[name]
        assert model.id == name
        assert words <= set(model.fields)
        assert (model.references, model.image).count(None) == (2 if model.kind == "text-to-video" else 1)
        assert model.price["source"]
        assert model.kind in {"reference-to-video", "image-to-video", "text-to-video", "animatic"}


def test_lowering_is_deterministic(project: Folder, tmp_path: Path) -> None:
    text = cast(project, "mira", "tom") + 'shots:\n  - {id: s, prompt: "@mira @tom"}\n'
    first = job(project, text)
    again = job(project.copy(tmp_path / "copy"), text)
    assert (first.key, first.request) == (again.key, again.request)
