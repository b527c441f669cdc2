"""An editor's cut comes back into the storyboard: its timing is read, comments stay, and no clip is bought again that
covers what is shown of it.

Cuts are exported as users export them, and edited with opentimelineio as an editor would.
"""

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from opentimelineio import schema
from PIL import Image

from storyboard import cli, export, media, timing
from storyboard.changes import facts_of
from storyboard.compiler import Project, load
from storyboard.edit import conform as conforming
from storyboard.edit.read import read
from storyboard.source import Source
from storyboard.timeline import CUT
from storyboard.tools import Tools
from tests.often import often

HEAD = """\
storyboard: 1
title: The Keeper
fps: 24
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash, audio: false}
default_pass: draft
"""

BOARD = (
    HEAD
    + """\
# The film
shots:   # in story order
  # the stair
  - id: s010    # opening
    prompt: "@mira climbs"
    duration: 8   # slow
    # camera: later
  # the lamp
  - id: s020
    prompt: "@mira lights the lamp"
    duration: 96f
    transition: dissolve   # soft

  # ---- out ----

  - id: s030
    prompt: "@mira looks out"
    trim: {in: 0.5}   # past the slate
    duration: 4.5
    dialogue:
      - {who: mira, line: Fog., at: 2}   # low
  - id: s040
    transition: {type: dip, duration: 12f}
    prompt: "@mira goes"
    duration: 00:00:04:00   # to the end
"""
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> dict[int, bytes]:
    """Clips of 5 and of 10 seconds, with sound."""
    folder = tmp_path_factory.mktemp("clips")
    for seconds in (5, 10):
        picture = ("-f", "lavfi", "-i", f"color=teal:s=32x18:r=24:d={seconds}")
        sound = ("-f", "lavfi", "-i", f"sine=440:d={seconds}")
        media.run(tools.ffmpeg, [*picture, *sound, "-pix_fmt", "yuv420p", f"{seconds}.mp4"], folder)
    return {seconds: (folder / f"{seconds}.mp4").read_bytes() for seconds in (5, 10)}


class Desk:
    """A storyboard, the clips that it has, its export, and the command line."""

    def __init__(self, folder: Path, clips: Mapping[int, bytes]) -> None:
        self.folder = folder
        self.path = folder / "storyboard.yaml"
        self._clips = clips
        Image.new("RGB", (320, 180), "teal").save(folder / "mira.png")

    @property
    def text(self) -> str:
        return self.path.read_bytes().decode()

    def write(self, text: str, *passes: str) -> "Desk":
        """A storyboard, whose shots have clips in these passes."""
        self.path.write_bytes(text.encode())
        project = load(self.path)
        for name in passes:
            for n, step in enumerate(project.plan(name).steps):
                if step.job and step.key:
                    clip = self.folder / "next.mp4"
                    number = f"{name} {n}".encode()
                    free = (8 + len(number)).to_bytes(4, "big") + b"free" + number
                    clip.write_bytes(self._clips[5 if step.job.seconds <= 5 else 10] + free)
                    project.store.put(step.key, {"clip": clip}, facts_of(step.job))
        return self

    def project(self) -> Project:
        return load(self.path)

    def states(self, pass_: str = "draft") -> dict[str, str]:
        return {step.shot: step.state for step in self.project().plan(pass_).steps}

    def export(self, pass_: str = "draft") -> schema.Timeline:
        """What an editor opens."""
        project = self.project()
        timeline = project.timeline(pass_)
        found = export.placed(timeline, self.folder, project.build, project.store, lambda *_: None)
        made = otio.adapters.read_from_string(export.text("otio", timeline, found, self.folder), "otio_json")
        assert isinstance(made, schema.Timeline)
        return made

    def save(self, edit: schema.Timeline | str) -> Path:
        path = self.folder / "edit.otio"
        path.write_text(edit if isinstance(edit, str) else edit.to_json_string(), "utf-8")
        return path

    def run(self, edit: schema.Timeline | str, *options: str, status: int = 0) -> None:
        found = cli.run(["conform-edit", str(self.save(edit)), "-f", str(self.path), *options])
        assert found == status


@pytest.fixture
def desk(tmp_path: Path, clips: dict[int, bytes]) -> Desk:
    return Desk(tmp_path, clips)


def at(frames: float, fps: float = 24) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, fps)


def picture(edit: schema.Timeline) -> Any:
    return edit.tracks[0]


def clip(edit: schema.Timeline, shot: str) -> schema.Clip:
    return next(one for one in picture(edit) if isinstance(one, schema.Clip) and one.name == shot)


def trim(edit: schema.Timeline, shot: str, start: int, frames: int) -> None:
    clip(edit, shot).source_range = otio.opentime.TimeRange(at(start), at(frames))


def move(edit: schema.Timeline, shot: str, place: int) -> None:
    """Put a clip before the one of that place; transitions are left where they are."""
    track, its = picture(edit), clip(edit, shot)
    track.remove(its)
    others = [one for one in track if isinstance(one, schema.Clip)]
    track.insert(track.index(others[place]) if place < len(others) else len(track), its)


def without_sound(edit: schema.Timeline) -> None:
    del edit.tracks[1:]


def dissolve(edit: schema.Timeline, shot: str, before: int, after: int) -> None:
    joined = schema.Transition("Cross Dissolve", "SMPTE_Dissolve", at(before), at(after))
    picture(edit).insert(picture(edit).index(clip(edit, shot)), joined)


def cut(edit: schema.Timeline, shot: str) -> None:
    """Remove the transition into a shot."""
    track = picture(edit)
    place = track.index(clip(edit, shot)) - 1
    assert isinstance(track[place], schema.Transition)
    del track[place]


def diff(before: str, after: str) -> list[str]:
    """The lines that went and came."""
    one, two = before.splitlines(), after.splitlines()
    return [f"- {x}" for x in one if x not in two] + [f"+ {x}" for x in two if x not in one]


NTSC = """\
storyboard: 1
fps: 24000/1001
passes: {animatic: {model: local/animatic}}
"""
ODD = """\
defaults: {transition: {type: fade, duration: 0.7}, duration: 4.03}
shots:
  - {id: a, prompt: one, trim: {in: 0.51}}
  - {id: b, prompt: two, duration: 00:00:03:07, transition: cut, audio: {lead: 0.3, tail: 1.1}}
  - {id: c, prompt: three, fit: retime, duration: 6.7}
  - {id: d, prompt: four, fit: trim, trim: {in: 3}, transition: wipeleft}
  - {id: e, prompt: five, skip: true}
  - {id: f, prompt: six, duration: 101f, transition: {type: dip}}
  - {id: g, prompt: seven}
"""


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (BOARD, ["draft"]),
        (BOARD.replace("\n", "\r\n"), []),
        (NTSC + ODD, ["animatic"]),
        (NTSC.replace("24000/1001", "25") + ODD, ["animatic"]),
        (NTSC + ODD, []),
        ("\ufeff" + HEAD + "scenes:\n  - {id: one, shots: [{id: a, prompt: '@mira'}]}\n", ["draft", "animatic"]),
    ],
)
def test_an_unedited_export_changes_nothing(
    desk: Desk, text: str, passes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.write(text, *passes)
    before = desk.path.stat()
    pass_ = passes[0] if passes else "animatic"
    desk.run(desk.export(pass_))
    assert desk.path.stat() == before
    assert capsys.readouterr().out == f"{desk.path}: the edit changes nothing (pass {pass_})\n"


def test_trims_order_and_transitions_are_read_and_comments_stay(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write(BOARD, "draft")
    edit = desk.export()
    without_sound(edit)
    cut(edit, "s020")
    cut(edit, "s040")
    trim(edit, "s010", 12, 72)
    trim(edit, "s020", 0, 60)
    trim(edit, "s030", 12, 97)
    trim(edit, "s040", 5, 91)
    move(edit, "s040", 0)
    dissolve(edit, "s030", 0, 12)
    desk.run(edit)
    assert desk.text == HEAD + (
        """\
# The film
shots:   # in story order
  - id: s040
    prompt: "@mira goes"
    duration: 00:00:03:19   # to the end
    trim: {in: 5f}
  # the stair
  - id: s010    # opening
    prompt: "@mira climbs"
    duration: 3   # slow
    trim: {in: 0.5, of: 8}
    # camera: later

  # ---- out ----

  # the lamp
  - id: s020
    prompt: "@mira lights the lamp"
    duration: 60f
    transition: cut   # soft
  - id: s030
    prompt: "@mira looks out"
    trim: {in: 0.5}   # past the slate
    duration: 97f
    transition: dissolve
    dialogue:
      - {who: mira, line: Fog., at: 2}   # low
"""
    )
    assert desk.states() == dict.fromkeys(("s040", "s010", "s020", "s030"), "cached")
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == f"{desk.path}: 11 changes; no clip is bought again"
    edited = desk.text
    desk.run(edit)
    assert desk.text == edited


def long(desk: Desk, *passes: str, more: str = "") -> schema.Timeline:
    """A shot of 8 s, of which the model sells 10, and one beside it; its export."""
    shots = 'shots:\n  - {id: a, prompt: "@mira", duration: 8}\n  - {id: b, prompt: "@mira sits", duration: 4}\n'
    desk.write(HEAD + more + shots, *passes)
    return desk.export(passes[0] if passes else "draft")


def test_a_shot_that_gets_shorter_keeps_the_clip_that_it_has(desk: Desk) -> None:
    edit = long(desk, "draft")
    trim(edit, "a", 24, 48)
    trim(edit, "b", 0, 48)
    desk.run(edit)
    assert '{id: a, prompt: "@mira", duration: 2, trim: {in: 1, of: 8}}' in desk.text
    assert '{id: b, prompt: "@mira sits", duration: 2}' in desk.text  # 5 s is the least that is sold
    assert set(desk.states().values()) == {"cached"}


def test_a_shot_without_a_clip_asks_for_no_more_than_it_shows(desk: Desk) -> None:
    edit = long(desk)
    trim(edit, "a", 0, 48)
    desk.run(edit)
    assert '{id: a, prompt: "@mira", duration: 2}' in desk.text


def test_a_clip_drawn_for_free_makes_none_dearer_that_is_still_to_be_bought(desk: Desk) -> None:
    edit = long(desk, "animatic")
    trim(edit, "a", 0, 48)
    trim(edit, "b", 0, 48)
    desk.run(edit)
    assert '{id: a, prompt: "@mira", duration: 2}' in desk.text
    assert '{id: b, prompt: "@mira sits", duration: 2, trim: {of: 4}}' in desk.text
    assert desk.states("animatic") == {"a": "submit", "b": "cached"}


def test_a_clip_made_from_a_shortened_one_is_kept_with_it(desk: Desk) -> None:
    board = HEAD.replace("audio: false}", "audio: false, guide: animatic}") + (
        'shots:\n  - {id: a, prompt: "@mira", duration: 4}\n  - {id: b, prompt: "@mira sits", duration: 4}\n'
    )
    desk.write(board, "animatic", "draft")
    edit = desk.export()
    trim(edit, "a", 6, 48)
    desk.run(edit)
    assert "duration: 2, trim: {in: 0.25, of: 4}" in desk.text
    assert set(desk.states().values()) == {"cached"}


def test_the_length_of_beats_that_arent_shown_any_more_stays_what_was_sent(desk: Desk) -> None:
    shot = "shots:\n- {id: a, beats: [{at: 0, prompt: '@mira'}, {at: 1.5, prompt: '@mira runs'}], duration: 5}\n"
    desk.write(HEAD + shot, "draft")
    edit = desk.export()
    trim(edit, "a", 0, 72)
    desk.run(edit)
    assert "duration: 3, trim: {of: 5}" in desk.text
    assert desk.states() == {"a": "cached"}


def test_what_no_handle_covers_is_shown_with_its_price(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    edit = long(desk, "draft")
    trim(edit, "b", 0, 150)
    trim(edit, "a", 0, 96)
    desk.run(edit, "--dry-run")
    before = desk.text
    assert "re-buys: b (draft, $0.375): needs 10 s, its clip has 5 s\n" in capsys.readouterr().out
    desk.run(edit, "--within-handles", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["anew"] == []
    assert told["kept"] == [{"shot": "b", "pass": "draft", "cost": "0.375", "reason": "needs 10 s, its clip has 5 s"}]
    assert [change["shot"] for change in told["changes"]] == ["a", "a"]
    assert diff(before, desk.text) == [
        '-   - {id: a, prompt: "@mira", duration: 8}',
        '+   - {id: a, prompt: "@mira", duration: 4, trim: {of: 8}}',
    ]
    desk.run(edit, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["cost"], told["written"], told["pass"]) == ("0.375", True, "draft")
    assert told["changes"] == [{"shot": "b", "what": "duration", "old": "4", "new": "6.25"}]
    assert desk.states() == {"a": "cached", "b": "submit"}


def test_a_length_that_no_model_makes_is_an_error_or_stays(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    edit = long(desk, "draft")
    without_sound(edit)
    trim(edit, "b", 0, 24 * 11)
    trim(edit, "a", 0, 24)
    before = desk.text
    desk.run(edit, status=1)
    assert desk.text == before
    told = capsys.readouterr().err
    assert told.startswith(
        "The edit would leave the storyboard with errors; nothing was written.\n\nerror[SB301]: b needs 11 s"
    )
    desk.run(edit, "--within-handles")
    assert "stays: b, as draft would buy it again (unknown): needs 11 s, its clip has 5 s\n" in capsys.readouterr().out
    assert diff(before, desk.text) == [
        '-   - {id: a, prompt: "@mira", duration: 8}',
        '+   - {id: a, prompt: "@mira", duration: 1, trim: {of: 8}}',
    ]


def test_what_a_shot_has_from_defaults_is_written_on_it_whole(desk: Desk) -> None:
    """A shot's own trim, transition or audio takes the place of all of the defaults' one."""
    defaults = "defaults: {trim: {in: 0.25, of: 4}, transition: fade, duration: 80f}\n"
    shots = (
        'shots:\n  - {id: a, prompt: "@mira"}\n  - {id: b, prompt: "@mira sits"}\n  - {id: c, prompt: "@mira runs"}\n'
    )
    desk.write(HEAD + defaults + shots, "draft")
    edit = desk.export()
    without_sound(edit)
    trim(edit, "a", 6, 40)
    trim(edit, "b", 12, 80)
    cut(edit, "c")
    move(edit, "c", 1)
    desk.run(edit)
    assert desk.text == HEAD + defaults + (
        "shots:\n"
        '  - {id: a, prompt: "@mira", duration: 40f}\n'
        '  - {id: c, prompt: "@mira runs"}\n'
        '  - {id: b, prompt: "@mira sits", trim: {in: 0.5, of: 4}, transition: cut}\n'
    )
    assert set(desk.states().values()) == {"cached"}


def test_bytes_that_arent_edited_stay(desk: Desk) -> None:
    text = "\ufeff" + BOARD.replace("\n", "\r\n")
    desk.write(text, "draft")
    edit = desk.export()
    trim(edit, "s020", 0, 48)
    without_sound(edit)
    desk.run(edit)
    assert desk.path.read_bytes() == text.replace("duration: 96f", "duration: 48f").encode()


def test_an_edit_at_another_rate_is_rounded_and_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    edit = long(desk)
    for one in picture(edit):
        one.source_range = otio.opentime.TimeRange(at(0, 25), at(26, 25))
        one.metadata.clear()
    clip(edit, "a").name = "a.mov"
    desk.run(edit)
    assert "note: the edit counts 25 frames a second, the film 24: its times are rounded to the film's\n" in (
        capsys.readouterr().out
    )
    assert [one.frames for one in desk.project().timeline("draft").clips] == [25, 25]


def test_a_length_in_timecode_is_counted_as_the_language_counts(desk: Desk) -> None:
    """At 29.97 frames a second records drop frames; a storyboard's lengths don't."""
    board = NTSC.replace("24000", "30000") + "shots:\n- {id: a, prompt: one, duration: 00:01:10:00}\n"
    desk.write(board)
    edit = desk.export("animatic")
    clip(edit, "a").source_range = otio.opentime.TimeRange(at(0, 29.97), at(2000, 29.97))
    desk.run(edit)
    assert 'duration: "00:01:06:20"}' in desk.text
    assert [one.frames for one in desk.project().timeline("animatic").clips] == [2000]


def test_a_retimed_shot_gets_another_length_and_plays_whole(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    board = HEAD + 'shots:\n- {id: a, prompt: "@mira", duration: 4, fit: retime}\n- {id: b, prompt: "@mira sits"}\n'
    desk.write(board, "draft")
    edit = desk.export()
    assert clip(edit, "a").effects[0].time_scalar == 1.25
    trim(edit, "a", 30, 60)
    without_sound(edit)
    desk.run(edit)
    assert diff(board, desk.text) == [
        '- - {id: a, prompt: "@mira", duration: 4, fit: retime}',
        '+ - {id: a, prompt: "@mira", duration: 2.5, fit: retime}',
    ]
    assert "note: a is retimed: all of its clip plays in its new length\n" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    edit = long(desk, "draft")
    trim(edit, "b", 12, 24)
    before = desk.path.stat()
    desk.run(edit, "--dry-run")
    assert desk.path.stat() == before
    assert capsys.readouterr().out == (
        "shot  what      now  edit\nb     in        0    0.5\nb     duration  4    1\n"
        "note: the sound isn't imported: that of b isn't in step with its picture\n"
        f"{desk.path}: 2 changes, not written; no clip is bought again\n"
    )


def test_a_transition_around_its_cut_starts_where_it_starts(desk: Desk) -> None:
    edit = long(desk, "draft")
    trim(edit, "b", 24, 96)
    dissolve(edit, "b", 6, 12)
    desk.run(edit)
    assert '{id: a, prompt: "@mira", duration: 7.75}' in desk.text
    assert "duration: 4.25, trim: {in: 0.75}, transition: {type: dissolve, duration: 0.75}}" in desk.text
    assert set(desk.states().values()) == {"cached"}


def test_a_shot_that_is_missing_is_skipped_and_one_that_is_back_is_not(desk: Desk) -> None:
    board = HEAD + (
        'shots:\n  - id: a\n    prompt: "@mira"\n  - id: b\n    prompt: "@mira sits"\n    skip: true\n'
        '  - id: c\n    prompt: "@mira runs"\n    skip: true  # too slow\n'
    )
    desk.write(board, "draft")
    edit = desk.export()
    picture(edit)[0].name = "b"
    picture(edit)[0].metadata.clear()
    picture(edit).append(schema.Clip("c.mp4", source_range=otio.opentime.TimeRange(at(0), at(24))))
    desk.run(edit)
    assert diff(board, desk.text) == [
        "-     skip: true  # too slow",
        "+     duration: 1",
        "+     skip: false  # too slow",
    ]
    assert desk.text.count("skip: true\n") == 1
    assert load(desk.path).board.shots[0].skip


def test_what_is_said_stays_where_it_is_in_the_clip(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "dialogue: [{who: mira, line: Fog., at: 2, for: 1.5}, {who: mira, line: Home., at: 0.25}]"
    desk.write(HEAD + f'shots:\n- {{id: a, prompt: "@mira", duration: 4, {lines}}}\n', "draft")
    edit = desk.export()
    trim(edit, "a", 12, 60)
    desk.run(edit)
    assert "dialogue: [{who: mira, line: Fog., at: 1.5, for: 1}, {who: mira, line: Home., at: 0}]" in desk.text
    trim(edit, "a", 12, 24)
    before = desk.text
    desk.run(edit, status=1)
    assert "the line starts at 1.5 s, but a lasts 1 s" in capsys.readouterr().err
    assert desk.text == before


SCENES = (
    HEAD
    + """scenes:
  # by day
  - id: day
    style: {prompt: hard light}
    shots:
      - id: a   # A
        prompt: "@mira"
      - id: b   # B
        prompt: "@mira sits"
  # by night
  - id: night
    shots:
      - id: c   # C
        prompt: "@mira runs"
      - id: d   # D
        prompt: "@mira sleeps"
"""
)


def ids(desk: Desk) -> list[str]:
    return [shot.id for shot in desk.project().film().shots]


def test_scenes_and_their_shots_change_their_order(desk: Desk) -> None:
    desk.write(SCENES, "draft")
    edit = desk.export()
    move(edit, "d", 0)
    move(edit, "c", 1)
    desk.run(edit)
    assert ids(desk) == ["d", "c", "a", "b"]
    assert desk.text.index("# by night\n  - id: night") < desk.text.index("# by day\n  - id: day")
    assert set(desk.states().values()) == {"cached"}


def test_a_shot_cant_leave_its_scene(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write(SCENES, "draft")
    edit = desk.export()
    move(edit, "d", 0)
    trim(edit, "d", 0, 48)
    desk.run(edit)
    out = capsys.readouterr().out
    assert "note: d of scene 'night' can't leave it: another scene's words would make the clip anew" in out
    assert ids(desk) == ["a", "b", "d", "c"]
    assert set(desk.states().values()) == {"cached"}


def test_sound_that_starts_before_its_picture_or_goes_on_is_read(desk: Desk) -> None:
    edit = long(desk, "draft", more="defaults: {audio: {volume: -6}}\n")
    early, late = schema.Track("A2", kind="Audio"), edit.tracks[1]
    ahead = late[1].deepcopy()
    del late[1]
    trim(edit, "b", 24, 96)
    ahead.source_range = otio.opentime.TimeRange(at(12), at(108))
    late[0].source_range = otio.opentime.TimeRange(at(0), at(198))
    early.extend([schema.Gap(source_range=otio.opentime.TimeRange(at(0), at(180))), ahead])
    edit.tracks.append(early)
    desk.run(edit)
    assert 'a, prompt: "@mira", duration: 8, audio: {volume: -6, tail: 0.25}}' in desk.text
    assert "duration: 4, trim: {in: 1}, audio: {volume: -6, lead: 0.5}}" in desk.text
    before = desk.text
    desk.run(desk.export())
    assert desk.text == before


def test_what_isnt_imported_is_told(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    edit = long(desk, "draft")
    track = picture(edit)
    clip(edit, "a").effects.append(schema.LinearTimeWarp(time_scalar=2.0))
    second = clip(edit, "b").deepcopy()
    second.source_range = otio.opentime.TimeRange(at(10), at(20))
    track.append(schema.Gap(source_range=otio.opentime.TimeRange(at(0), at(48))))
    track.append(schema.Clip("stock [1]", source_range=otio.opentime.TimeRange(at(0), at(24))))
    track.append(second)
    track.append(schema.Transition("Fade Out", "SMPTE_Dissolve", at(12), at(0)))
    upper = schema.Track("Titles", kind="Video", children=[clip(edit, "a").deepcopy()])
    edit.tracks.append(upper)
    before = desk.text
    desk.run(edit)
    assert desk.text == before
    assert capsys.readouterr().out == (
        "note: the track 'Titles' isn't imported: the film has one picture track\n"
        "note: a gap of 2 s at 00:00:12:00 isn't imported: the film has none\n"
        "note: the transition at the end isn't imported: write a shot for it to end on\n"
        "note: the clip 'stock [1]' at 00:00:14:00 isn't a shot of the film, and isn't imported: bring it as a shot with "
        "'clip: <its file>'\n"
        "note: b is used again at 00:00:15:00: only its first use is imported; write a second shot with the same words, "
        "which is the same clip, and trim it\n"
        "note: a plays at 2x in the edit: a speed isn't imported; see 'fit: retime'\n"
        f"{desk.path}: the edit changes nothing (pass draft)\n"
    )


def test_a_clip_that_was_split_without_a_gap_is_one(desk: Desk) -> None:
    edit = long(desk, "draft")
    rest = clip(edit, "a").deepcopy()
    trim(edit, "a", 0, 100)
    rest.source_range = otio.opentime.TimeRange(at(100), at(92))
    picture(edit).insert(1, rest)
    before = desk.text
    desk.run(edit)
    assert desk.text == before


def test_a_value_that_several_share_isnt_touched(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    board = HEAD + 'shots:\n- {id: a, prompt: "@mira", duration: &d 4}\n- {id: b, prompt: "@mira sits", duration: *d}\n'
    desk.write(board, "draft")
    edit = desk.export()
    trim(edit, "a", 0, 48)
    desk.run(edit, status=1)
    assert desk.text == board
    assert capsys.readouterr().err == (
        f"Error: storyboard.yaml:{HEAD.count(chr(10)) + 2}:28: 'duration' can't be edited here without changing something "
        "else; write 'duration: 2' there by hand\nNothing was written.\n"
    )


def deep(depth: int) -> str:
    return '{"OTIO_SCHEMA": "Timeline.1", "metadata": ' + '{"a": ' * depth + "1" + "}" * depth + "}"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("", "edit.otio isn't OpenTimelineIO: let the editor export the timeline as .otio"),
        ("TITLE: CUT\nFCM: NON-DROP FRAME\n", "isn't OpenTimelineIO: let the editor export"),
        ("[]", "isn't OpenTimelineIO"),
        ('{"OTIO_SCHEMA": "Clip.2"}', "isn't OpenTimelineIO as it is specified"),
        ('{"OTIO_SCHEMA": "Timeline.99"}', "isn't OpenTimelineIO as it is specified: unsupported schema version"),
        ('{"OTIO_SCHEMA": "Nonsense.1"}', "holds a Nonsense, not a timeline"),
        (deep(150), "nested more than 100 deep"),
        (deep(100_000), "nested too deep"),
        (schema.Timeline("x").to_json_string(), "edit.otio has no tracks"),
        (schema.Timeline("x", tracks=[schema.Track("A", kind="Audio")]).to_json_string(), "no picture track"),
        (schema.Timeline("x", tracks=[schema.Track("V", [schema.Clip("s")])]).to_json_string(), "'s' has no length"),
        (
            schema.Timeline(
                "x", tracks=[schema.Track("V", [schema.Clip("s", source_range=otio.opentime.TimeRange(at(0), at(5)))])]
            ).to_json_string(),
            "has no clip of this film: its clips are to be named as the shots are",
        ),
        (
            schema.Timeline(
                "x",
                tracks=[schema.Track("V", [schema.Clip("a", source_range=otio.opentime.TimeRange(at(0), at(5, 0)))])],
            ).to_json_string(),
            "a time in it isn't a number of frames at a rate",
        ),
    ],
)
def test_a_file_that_is_no_edit_of_the_film_is_refused_by_name(
    desk: Desk, edit: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    long(desk)
    desk.run(edit, status=2)
    assert message in capsys.readouterr().err


def test_a_missing_file_and_a_pass_that_isnt_there_are_usage_errors(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    edit = long(desk)
    desk.run(edit, "-p", "fnal", status=2)
    assert "there is no pass 'fnal'" in capsys.readouterr().err
    assert cli.run(["conform-edit", "nowhere.otio", "-f", str(desk.path)]) == 2
    assert "nowhere.otio can't be read: no such file or directory" in capsys.readouterr().err


PROPERTY = (
    HEAD.replace("fps: 24", "fps: 24000/1001")
    + """shots:
  - id: a
    prompt: "@mira"
    duration: 4.03   # A
  # above b
  - id: b
    prompt: "@mira sits"
    duration: 9
    transition: {type: dissolve, duration: 8f}
  - id: c
    prompt: "@mira runs"
    trim: {in: 0.7}

  - {id: d, prompt: "@mira sleeps", duration: 00:00:02:11}
  - id: e   # E
    prompt: "@mira wakes"
    duration: 3.21
"""
)


@given(st.data())
@often(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_trims_order_and_deletions_come_back_to_the_frame(desk: Desk, data: st.DataObject) -> None:
    """After an edit was read, the film's timeline is the edit's, the comments are all there, and reading it again, or the
    film's own export, changes nothing.
    """
    has_clips = data.draw(st.booleans())
    desk.write(PROPERTY if has_clips else f"seed: 2\n{PROPERTY}", *(["draft"] if has_clips else []))
    edit, fps = desk.export(), timing.rate("24000/1001")
    without_sound(edit)
    for name in data.draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=3)):
        start = data.draw(st.integers(0, 20))
        clip(edit, name).source_range = otio.opentime.TimeRange(
            at(start, float(fps)), at(data.draw(st.integers(12, 100)), float(fps))
        )
    for name in data.draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=2)):
        picture(edit).remove(clip(edit, name))
    for name in data.draw(
        st.lists(st.sampled_from([x.name for x in picture(edit) if isinstance(x, schema.Clip)]), max_size=2)
    ):
        move(edit, name, data.draw(st.integers(0, 4)))
    its = read(desk.save(edit), list("abcde"), fps)
    assert read_in(desk, edit) is not None
    clips = desk.project().timeline("draft").clips
    assert [(one.shot, one.frames) for one in clips] == [(p.shot, p.length * fps) for p in its.pieces]
    for one, piece in zip(clips, its.pieces, strict=True):
        assert piece.is_slate != has_clips
        assert abs(one.source.start - piece.start) * fps <= Fraction(1, 2)
        assert one.join.frames == (timing.round_half_up(piece.join.length * fps) if piece.join else 0)
        assert (one.join == CUT) == (piece.join is None)
    assert sum(mark in desk.text for mark in ("# A", "# above b", "# E")) == 3
    assert set(desk.states().values()) <= {"cached", "skipped", "submit"}
    for again in (edit, desk.export()):
        assert read_in(desk, again) == []


def read_in(desk: Desk, edit: schema.Timeline) -> list[Any]:
    """Read an edit into the storyboard, and what that changed."""
    project, source = desk.project(), Source("storyboard.yaml", desk.text)

    def compiled(text: str) -> Any:
        return Project(desk.path, Source("storyboard.yaml", text), None, lambda: 0).film()

    its = read(desk.save(edit), project.film().numbers, project.film().fps)
    found = conforming.conform(project, source, compiled, its, "draft")
    desk.path.write_text(found.text, "utf-8")
    return found.changes
