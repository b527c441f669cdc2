"""The product as a user runs it: real processes, the real local model, real ffmpeg."""

import hashlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.folder import ROOT, Folder

BOARD = """\
storyboard: 1
title: Three
characters:
  mira: {references: [refs/mira.png]}
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
shots:
  - {id: s010, prompt: "@mira climbs", duration: 3f}
  - {id: s020, prompt: "@mira waits", duration: 4f, camera: pan left}
  - {id: s030, prompt: "@mira sleeps", duration: 0.125}
"""


def written(folder: Folder) -> Folder:
    folder.picture("refs/mira.png")
    folder.write(BOARD)
    return folder


@pytest.fixture
def film(project: Folder) -> Folder:
    return written(project)


@pytest.fixture(scope="module")
def first_render(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    place = tmp_path_factory.mktemp("films") / "film"
    place.mkdir()
    film = written(Folder(place))
    render(film)
    return film


@pytest.fixture
def rendered(first_render: Folder, tmp_path: Path) -> Folder:
    """The film after its first render."""
    return first_render.copy(tmp_path / "rendered")


def render(film: Folder, *arguments: str, status: int = 0, cold: bool = False) -> dict:
    return json.loads(film.run("render", "--json", *arguments, status=status, cold=cold).stdout)


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def states(answer: dict) -> dict[str, str]:
    return {result["shot"]: result["state"] for result in answer["results"]}


def test_render_change_one_shot_render_again(film: Folder) -> None:
    build = film.path / "build" / "animatic"
    first = render(film)
    assert states(first) == {"s010": "done", "s020": "done", "s030": "done"}
    assert first["cut"]["path"] == "build/animatic/cut.mp4"
    assert first["cut"]["frames"] == 10
    assert first["spent"] == "0.00"
    assert [result["clip"] for result in first["results"]] == [f"build/animatic/clips/s0{n}0.mp4" for n in (1, 2, 3)]
    before = hashes(build)
    sheets = {"contact-sheet.jpg", "contact-sheet.pdf"}
    assert set(before) == {"cut.mp4", *sheets, *(f"clips/s0{n}0.mp4" for n in (1, 2, 3))}

    again = film.run("render")
    assert "nothing to render" in again.stdout
    assert "unchanged" in again.stdout
    assert again.stderr == ""
    assert hashes(build) == before

    film.edit("@mira waits", "@mira listens")
    plan = json.loads(film.run("plan", "--json").stdout)
    assert [job["state"] for job in plan["jobs"]] == ["cached", "submit", "cached"]
    assert plan["jobs"][1]["reasons"] == [
        "caption: 'Mira waits' -> 'Mira listens'",
        "prompt: 'Mira waits. pan left.' -> 'Mira listens. pan left.'",
    ]
    assert states(render(film)) == {"s010": "cached", "s020": "done", "s030": "cached"}
    after = hashes(build)
    assert {name for name in before if before[name] != after[name]} == {
        "clips/s020.mp4",
        "cut.mp4",
        *sheets,
    }


def test_what_changes_no_clip_runs_nothing(rendered: Folder, tmp_path: Path) -> None:
    rendered.edit("id: s020", "id: s025")
    rendered.edit("title: Three", "title: Four  # a comment")
    (rendered.path / "refs" / "mira.png").touch()
    answer = render(rendered)
    assert states(answer) == {"s010": "cached", "s025": "cached", "s030": "cached"}
    assert sorted(path.name for path in (rendered.path / "build/animatic/clips").iterdir()) == [
        *("s010.mp4", "s025.mp4", "s030.mp4")
    ]
    lines = (rendered.path / "storyboard.yaml").read_text().splitlines(keepends=True)
    rendered.write("".join([*lines[:-3], lines[-1], *lines[-3:-1]]))
    answer = render(rendered)
    assert list(states(answer).items()) == [("s030", "cached"), ("s010", "cached"), ("s025", "cached")]
    cut = (rendered.path / answer["cut"]["path"]).read_bytes()
    copy = rendered.copy(tmp_path / "copy")
    assert set(states(render(copy)).values()) == {"cached"}
    assert (copy.path / answer["cut"]["path"]).read_bytes() == cut


def test_a_copy_without_its_store_makes_the_same_cut_byte_for_byte(rendered: Folder, tmp_path: Path) -> None:
    copy = rendered.copy(tmp_path / "elsewhere")
    shutil.rmtree(copy.path / ".storyboard")
    shutil.rmtree(copy.path / "build")
    render(copy, cold=True)
    assert hashes(copy.path / "build") == hashes(rendered.path / "build")


def test_only_some_shots(film: Folder) -> None:
    answer = render(film, "--only", "s020")
    assert states(answer) == {"s020": "done"}
    assert answer["cut"]["sources"] == {"s010": "slate", "s020": "animatic", "s030": "slate"}
    assert answer["cut"]["frames"] == 10
    shown = film.run("render", "--only", "s010,s020")
    assert "slates: s030" in shown.stdout
    assert "no shot, scene or state 's040'" in film.run("render", "--only", "s040", status=2).stderr


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["flip", "remove"])
def test_damage_anywhere_in_the_store_never_gives_a_wrong_cut(rendered: Folder, how: str) -> None:
    good = hashes(rendered.path / "build")
    store = rendered.path / ".storyboard"
    names = [path.relative_to(store) for path in sorted(store.rglob("*")) if path.is_file()]
    assert len(names) > 20
    for name in names[how == "flip" :: 3]:  # each kind of file stands there several times
        path = store / name
        whole = path.read_bytes()
        if how == "flip":
            damage(path)
        else:
            path.unlink()
        shutil.rmtree(rendered.path / "build")
        answer = render(rendered)
        assert hashes(rendered.path / "build") == good, f"{name}: another cut"
        remade = [result["shot"] for result in answer["results"] if result["state"] == "done"]
        if remade:
            reasons = {job["shot"]: job["reasons"] for job in answer["jobs"]}
            assert all(
                "damaged" in reasons[s][0] or "missing" in reasons[s][0] or "not rendered" in reasons[s][0]
                for s in remade
            )
        if path.exists() and path.parent.name == "cas":
            assert path.read_bytes() == whole, f"{name} wasn't mended"


def test_a_damaged_output_is_written_again(rendered: Folder) -> None:
    good = hashes(rendered.path / "build")
    for name in good:
        damage(rendered.path / "build" / name)
        render(rendered)
        assert hashes(rendered.path / "build") == good
        (rendered.path / "build" / name).unlink()
        render(rendered)
        assert hashes(rendered.path / "build") == good


def test_the_film_is_frame_exact_and_in_step(rendered: Folder) -> None:
    with av.open(str(rendered.path / "build/animatic/cut.mp4")) as media:
        picture, sound = media.streams.video[0], media.streams.audio[0]
        assert (picture.width, picture.height, picture.average_rate) == (1280, 720, Fraction(24))
        times = [frame.pts * frame.time_base for frame in media.decode(picture)]
        assert times == [Fraction(n, 24) for n in range(10)]
        assert abs(sound.duration * sound.time_base - Fraction(10, 24)) < Fraction(1, 1000)
        assert media.metadata["title"] == "Three"


def test_a_bad_shot_costs_no_other_and_the_cut_is_made(film: Folder) -> None:
    Image.new("L", (12000, 12000)).save(film.path / "refs" / "huge.png")
    film.edit("camera: pan left", "passes: {animatic: {start_frame: refs/huge.png}}")
    answer = render(film, status=3)
    assert states(answer) == {"s010": "done", "s020": "failed", "s030": "done"}
    assert "megapixel" in answer["results"][1]["error"] or "pixels" in answer["results"][1]["error"]
    assert answer["cut"]["sources"]["s020"] == "slate"
    assert answer["cut"]["frames"] == 10
    assert "failed" in film.run("render", status=3).stderr


def test_a_store_that_cannot_be_written_fails_the_shots_without_a_traceback(film: Folder) -> None:
    film.write("in the way", ".storyboard")
    answer = render(film, status=3)
    assert set(states(answer).values()) == {"failed"}
    assert "can't be kept" in answer["results"][0]["error"]
    assert answer["cut"] is None


def test_a_skipped_shot_is_left_out(film: Folder) -> None:
    film.edit("duration: 4f", "duration: 4f, skip: true")
    answer = render(film)
    assert states(answer)["s020"] == "skipped"
    assert answer["jobs"][1]["state"] == "skipped"
    assert answer["cut"]["frames"] == 6


def test_missing_shots_fall_back_to_earlier_passes(film: Folder) -> None:
    render(film, "--only", "s010")
    cut = json.loads(film.run("cut", "-p", "draft", "--json").stdout)["cut"]
    assert cut["path"] == "build/draft/cut.mp4"
    assert cut["sources"] == {"s010": "animatic", "s020": "slate", "s030": "slate"}
    shown = film.run("cut", "-p", "draft").stdout
    assert "from animatic: s010" in shown
    assert "slates: s020, s030" in shown


def test_spending_needs_consent_and_a_client(film: Folder) -> None:
    refused = film.run("render", "-p", "draft", status=4)
    assert "$0.75" in refused.stderr
    assert "Nothing was sent" in refused.stderr
    film.run("render", "-p", "draft", "--max-cost", "0.74", status=4)
    film.run("render", "-p", "draft", "--max-cost", "0.75", status=5)
    assert "nothing was sent" in film.run("render", "-p", "draft", "--yes", status=5).stderr
    assert not (film.path / "build").exists()
    film.run("render", "--max-cost", "none", status=2)
    assert "names no shot" in film.run("render", "--only", " , ", status=2).stderr


def test_plan_writes_nothing_but_its_memo(film: Folder) -> None:
    film.run("plan")
    assert {path.name for path in film.path.iterdir()} <= {"refs", "storyboard.yaml", ".storyboard"}
    assert not (film.path / ".storyboard" / "ac").exists()


def test_another_store(film: Folder, tmp_path: Path) -> None:
    film.run("render", STORYBOARD_STORE=str(tmp_path / "store"))
    assert (tmp_path / "store" / "ac").is_dir()
    assert not (film.path / ".storyboard" / "ac").exists()


def spawn(film: Folder, **options: object) -> subprocess.Popen[bytes]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(film.path), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "storyboard", "render"], cwd=film.path, env=environment, **options
    )


@pytest.mark.parametrize("delay", [0.6, 1.0, 1.6])
def test_killed_at_any_moment_it_ends_with_the_same_cut(film: Folder, rendered: Folder, delay: float) -> None:
    with spawn(film, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        process.kill()
    render(film)
    assert hashes(film.path / "build") == hashes(rendered.path / "build")


def test_interrupted_it_says_so_and_goes_on_where_it_was(film: Folder) -> None:
    film.write(BOARD.replace("3f", "120f"))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    with spawn(film, start_new_session=True, **pipes) as process:
        assert process.stdout is not None
        assert b"3 clips to make" in process.stdout.readline()
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group, ffmpeg included
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert b"failed" not in said
    assert b"slate" not in said
    assert list((film.path / ".storyboard/tmp").iterdir()) == []
    assert states(render(film))["s010"] == "done"


def test_two_renders_at_once_make_each_clip_once(film: Folder, rendered: Folder) -> None:
    command = [sys.executable, "-m", "storyboard", "render", "--json"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(film.path), "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, cwd=film.path, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    answers = [json.loads(process.communicate()[0]) for process in both]
    made = [result["shot"] for answer in answers for result in answer["results"] if result["state"] == "done"]
    assert sorted(made) == ["s010", "s020", "s030"]
    assert {state for answer in answers for state in states(answer).values()} <= {"done", "cached"}
    assert hashes(film.path / "build") == hashes(rendered.path / "build")
    assert list((film.path / ".storyboard/tmp").iterdir()) == []


def test_progress_on_a_terminal(film: Folder) -> None:
    ours, theirs = pty.openpty()
    with spawn(film, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "rendering" in text
    assert "contact-sheet.jpg" in text.replace("\r\n", "")
