"""The remembered film is the compiled one, and is forgotten when anything that it depends on changes."""

import os
from pathlib import Path

import pytest

import storyboard
from storyboard import compiled, digest
from storyboard.assets import Assets
from storyboard.compiler import Project
from storyboard.memo import Memo
from storyboard.pins import Pins
from storyboard.text import read
from tests.folder import ROOT, Folder

BOARD = """\
storyboard: 1
title: Ünïcode “title”
fps: 24000/1001
characters:
  mira: {look: a keeper, references: [a.png, {url: https://example.org/b.png}]}
passes:
  animatic: {model: local/animatic, audio: true}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
scenes:
  - id: one
    shots:
      - {id: s010, prompt: "@mira waits", duration: 100f, dialogue: [{who: mira, line: Now.}]}
      - {id: s020, prompt: "@mira sleeps", skip: true}
audio: {room_tone: {file: sea.wav, duck: -3}, loudness: -23}
"""


@pytest.fixture
def film(project: Folder) -> Path:
    project.picture("a.png")
    (project.path / "sea.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 28)
    project.write(BOARD)
    storyboard.load(project.path / "storyboard.yaml").plan()
    return project.path / "storyboard.yaml"


def recalled(path: Path) -> bool:
    """Whether loading recalls the film instead of reading the storyboard."""
    return storyboard.load(path)._front is None


def same(one: Project, other: Project) -> bool:
    return one.film() == other.film() and all(
        one.plan(p).as_json() == other.plan(p).as_json() for p in one.film().passes
    )


def test_what_is_recalled_is_what_was_compiled(film: Path) -> None:
    again = storyboard.load(film)
    assert again._front is None
    compiled_anew = storyboard.load(film)
    compiled_anew._film = None
    assert same(again, compiled_anew)
    assert [d.code for d in again.warnings("animatic")] == ["SB306"]
    assert again.warnings("animatic")[0].as_json()["line"] == 7


@pytest.mark.parametrize("name", ["keeper", "minimal"])
def test_the_examples_are_recalled_as_compiled(name: str, tmp_path: Path) -> None:
    path = ROOT / "examples" / name / "storyboard.yaml"
    source, _ = read(path, path.name)
    assets = Assets(path.parent, Memo(tmp_path / "memo", lambda: 0), Pins(tmp_path / "pins"))
    film = storyboard.load(path)._read().film()
    for jobs in film.jobs.values():
        for job in jobs:
            for given in job.inputs.values() if job else ():
                assert assets[given.label].sha256 == given.sha256
    compiled.remember(tmp_path / "film", source, assets, "code", film)
    assert compiled.recall(tmp_path / "film", source, assets, "code") == film


def test_a_changed_text_reference_or_code_is_compiled_again(film: Path) -> None:
    assert recalled(film)
    picture = film.parent / "a.png"
    whole, status = picture.read_bytes(), picture.stat()
    picture.write_bytes(whole[:-1] + b"!")
    os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not recalled(film)
    picture.write_bytes(whole)
    assert recalled(film)
    sound = film.parent / "sea.wav"
    sound.write_bytes(sound.read_bytes() + b"\0")
    assert not recalled(film)
    sound.write_bytes(sound.read_bytes()[:-1])
    assert recalled(film)
    picture.rename(film.parent / "moved.png")
    with pytest.raises(storyboard.Rejected):
        storyboard.load(film).plan()
    (film.parent / "moved.png").rename(picture)
    assert recalled(film)
    film.write_text(BOARD + "# more\n", "utf-8")
    assert not recalled(film)


def test_the_fingerprint_covers_every_file_of_the_package(tmp_path: Path) -> None:
    models = tmp_path / "models"
    before = compiled.fingerprint(models)
    assert before == compiled.fingerprint(models)
    catalogue = ROOT / "storyboard/catalog/local-animatic.toml"
    status = catalogue.stat()
    try:
        os.utime(catalogue, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
        assert compiled.fingerprint(models) != before
    finally:
        os.utime(catalogue, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert compiled.fingerprint(models) == before
    models.mkdir()
    (models / "next.toml").touch()
    assert compiled.fingerprint(models) != before


def test_damage_is_never_recalled(film: Path) -> None:
    (kept,) = (film.parent / ".storyboard/compiled").glob("*.json")
    whole = kept.read_bytes()
    for n in range(0, len(whole), 37):
        kept.write_bytes(whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :])
        assert not recalled(film), n
    kept.write_bytes(whole[:-1])
    assert not recalled(film)
    body = b'{"code": 1}'
    kept.write_bytes(digest.sha256(body).encode() + b"\n" + body)
    assert not recalled(film)


def test_errors_are_never_remembered(project: Folder) -> None:
    project.write("storyboard: 1\nshots:\n  - {id: a, prompt: '@nobody'}\n")
    with pytest.raises(storyboard.Rejected):
        storyboard.load(project.path / "storyboard.yaml").plan()
    assert not (project.path / ".storyboard/compiled").exists()
