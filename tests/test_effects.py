"""Effects: moviepy's by name, and functions of the author's own, in a process of their own, kept by content."""

import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import moviepy
import numpy as np
import pytest

from storyboard import functions, media, parameters
from storyboard.cut import effects
from storyboard.cut.footage import Footage
from storyboard.event import Advanced, Event, Finished, Started
from storyboard.film import Effect
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.model.effect import known
from storyboard.store import Blob, Store
from storyboard.timeline import Clip, Span, Timeline
from storyboard.tools import Tools
from tests.folder import ROOT

Written = Mapping[str, Mapping[str, Any]]


class Desk:
    """A film's folder with a store and a clip: 12 frames at 24 a second, each of a grey of its own, and a tone."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", lambda: 0))
        self.told: list[Event] = []

    def clip(self, *arguments: str) -> Blob:
        """A clip made by ffmpeg, put into the store."""
        with self.store.workspace() as place:
            media.run(self.tools.ffmpeg, [*arguments, "-pix_fmt", "yuv420p", str(place / "clip.mp4")], place)
            return self.store.put(f"{abs(hash(arguments)):0>64}", {"clip": place / "clip.mp4"}, {}).outputs["clip"]

    def ramp(self, *, sound: bool = True) -> Blob:
        picture = ("-f", "lavfi", "-i", "color=black:s=64x36:r=24:d=0.5,geq=lum='40+10*N':cb=128:cr=128")
        heard = ("-f", "lavfi", "-i", "aevalsrc=0.25*sin(2*PI*440*t):s=48000:d=0.5") if sound else ()
        return self.clip(*picture, *heard, "-crf", "4")

    def write(self, name: str, code: str) -> None:
        """A file of the author's own, which is trusted from now on."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(code, "utf-8")
        found = functions.load(self.folder / name, name)
        self.tools = Tools(self.tools.ffmpeg, self.tools.ffmpeg_version, None, self.tools.trusted | {found.sha256})

    def apply(
        self,
        blob: Blob,
        written: Sequence[str | Written],
        *,
        frames: int = 12,
        tail: int = 0,
        start: Fraction = Fraction(0),
        speed: int = 1,
    ) -> Footage:
        found = tuple(Effect(one, {}) if isinstance(one, str) else Effect(*next(iter(one.items()))) for one in written)
        source = Span(start, Fraction(frames * speed, 24))
        clip = Clip("s", "", "", 0, frames, source, blob, "p", "", tail=tail, effects=found)
        timeline = Timeline("Film", "p", Fraction(24), 64, 36, (clip,))
        return effects.applied(clip, timeline, self.store, self.tools, self.folder, self.told.append)

    def decoded(self) -> Path:
        """A folder with a part of six frames as a worker is given it."""
        place = self.folder / "work"
        place.mkdir()
        blob = self.ramp()
        clip = Clip("s", "", "", 0, 6, Span(Fraction(0), Fraction(1, 4)), blob, "p", "")
        part = effects._part(clip, blob, Timeline("", "p", Fraction(24), 64, 36, (clip,)))
        effects._decode(clip, blob, part, self.tools, place)
        return place

    def in_process(
        self, modules: Mapping[str, Any], written: Sequence[str | Written], place: Path | None = None
    ) -> str:
        """What a worker says, without the half second that it takes to start."""
        from storyboard.cut import apply

        own = apply._Own(self.folder, modules)
        pairs = [[one, {}] if isinstance(one, str) else list(next(iter(one.items()))) for one in written]
        job = {"effects": pairs, "rate": [24, 1], "frames": 12}
        sys.meta_path.insert(0, own)
        try:
            return apply.work(job, place or self.decoded(), own, lambda _: None)
        finally:
            sys.meta_path.remove(own)
            for name in modules:
                sys.modules.pop(name, None)

    def worked(self) -> int:
        """How often a worker was begun."""
        return sum(isinstance(event, Started) for event in self.told)


@pytest.fixture
def desk(tmp_path: Path, tools: Tools) -> Desk:
    return Desk(tmp_path, tools)


def greys(footage: Footage) -> list[int]:
    """The mean of each frame's Y."""
    with av.open(str(footage.media.path)) as opened:
        frames = [frame.to_ndarray(format="yuv420p") for frame in opened.decode(video=0)]
    return [round(float(frame[: len(frame) * 2 // 3].mean())) for frame in frames]


def heard(footage: Footage) -> np.ndarray:
    """Samples as floats, in two rows."""
    with av.open(str(footage.media.path)) as opened:
        parts = [frame.to_ndarray().reshape(-1, 2) for frame in opened.decode(audio=0)]
    return np.concatenate(parts).T


def test_the_table_of_effects_is_moviepys_own() -> None:
    listed = {name: getattr(moviepy.vfx, name, None) or getattr(moviepy.afx, name) for name in known()}
    every = {*moviepy.vfx.__all__, *moviepy.afx.__all__}
    assert set(listed) == every - {"MasksAnd", "MasksOr"}
    for name, made in listed.items():
        signature = inspect.signature(made).parameters
        assert set(known()[name]) == set(signature) - ({"mask"} if name == "FreezeRegion" else set())
        required = {key for key, one in signature.items() if one.default is inspect.Parameter.empty}
        assert required == {*parameters.REQUIRED.get(name, ()), *parameters.DEFAULTS.get(name, ())}, name
    assert {*parameters.REQUIRED, *parameters.DEFAULTS, *parameters.EITHER} <= set(listed)


PLAUSIBLE: Written = {
    "AccelDecel": {"new_duration": "0.4", "abruptness": "0.5"},
    "AudioDelay": {"offset": "0.1", "n_repeats": "2", "decay": "0.5"},
    "AudioFadeIn": {"duration": "0.2"},
    "AudioFadeOut": {"duration": "0.2"},
    "AudioLoop": {"n_loops": "2"},
    "AudioNormalize": {},
    "BlackAndWhite": {"RGB": "CRT_phosphor", "preserve_luminosity": "true"},
    "Blink": {"duration_on": "0.1", "duration_off": "0.1"},
    "Crop": {"x1": "4", "y1": "4", "width": "30", "height": "20"},
    "CrossFadeIn": {"duration": "0.2"},
    "CrossFadeOut": {"duration": "0.2"},
    "EvenSize": {},
    "FadeIn": {"duration": "0.2", "initial_color": ["255", "0", "0"]},
    "FadeOut": {"duration": "0.2", "final_color": "#00ff00"},
    "Freeze": {"t": "end", "freeze_duration": "0.2"},
    "FreezeRegion": {"t": "0.1", "region": ["0", "0", "20", "20"]},
    "GammaCorrection": {"gamma": "1.4"},
    "HeadBlur": {"fx": "32", "fy": "18", "radius": "8"},
    "InvertColors": {},
    "Loop": {"n": "2"},
    "LumContrast": {"lum": "10", "contrast": "0.5"},
    "MakeLoopable": {"overlap_duration": "0.1"},
    "Margin": {"margin_size": "4", "color": ["255", "255", "255"]},
    "MaskColor": {"color": ["0", "0", "0"], "threshold": "20"},
    "MirrorX": {},
    "MirrorY": {"apply_to": ["mask"]},
    "MultiplyColor": {"factor": "0.5"},
    "MultiplySpeed": {"factor": "2"},
    "MultiplyStereoVolume": {"left": "0", "right": "1"},
    "MultiplyVolume": {"factor": "0.5", "start_time": "0.1", "end_time": "0.2"},
    "Painting": {"saturation": "1.4", "black": "0.006"},
    "Resize": {"new_size": "0.5"},
    "Rotate": {"angle": "15", "expand": "false", "bg_color": "#102030"},
    "Scroll": {"w": "32", "h": "18", "x_speed": "10"},
    "SlideIn": {"duration": "0.3", "side": "left"},
    "SlideOut": {"duration": "0.3", "side": "bottom"},
    "SuperSample": {"d": "0.05", "n_frames": "3"},
    "TimeMirror": {},
    "TimeSymmetrize": {},
}


def test_every_effect_has_plausible_parameters_here() -> None:
    assert PLAUSIBLE.keys() == known().keys()


def test_every_effect_of_the_table_works_from_a_storyboards_texts(desk: Desk) -> None:
    place, made = desk.decoded(), {}
    for name, given in PLAUSIBLE.items():
        assert desk.in_process({}, [{name: given}], place) == "", name
        path = (place / "applied.mov").rename(place / f"{name}.mov")
        footage = Footage(Blob(path.name, 0, str(place)), Span(Fraction(0), Fraction(1, 4)))
        made[name] = greys(footage), heard(footage), media.probe(path)
    ramp, tone, _ = made["EvenSize"]
    assert ramp == pytest.approx([40 + 10 * n for n in range(6)], abs=1)
    same = {name for name, (pictures, sound, _) in made.items() if pictures == ramp and np.array_equal(sound, tone)}
    # What they do can't be seen on frames of one grey each, or, of AudioLoop, lies after the picture's end.
    assert same == {"EvenSize", "AudioLoop", "HeadBlur", "MirrorX", "MirrorY", "Crop", "Resize", "Scroll"}
    lengths = {name: len(pictures) for name, (pictures, *_) in made.items() if len(pictures) != 6}
    assert lengths == {
        "AccelDecel": 10, "Freeze": 11, "Loop": 12, "MakeLoopable": 4, "MultiplySpeed": 3, "TimeSymmetrize": 12
    }  # fmt: skip
    sizes = {name: (its.width, its.height) for name, (*_, its) in made.items() if (its.width, its.height) != (64, 36)}
    assert sizes == {"Crop": (30, 20), "Resize": (32, 18), "Scroll": (32, 18), "Margin": (72, 44)}
    assert made["TimeMirror"][0] == ramp[::-1]
    assert made["MultiplySpeed"][0] == ramp[::2]
    assert made["SlideIn"][0] != ramp
    assert made["Blink"][0][3:5] == [16, 16]
    assert abs(made["MultiplyStereoVolume"][1][0]).max() == 0
    assert abs(made["AudioNormalize"][1]).max() == pytest.approx(1, abs=0.02)


def test_effects_are_applied_in_order_to_the_part_that_is_shown_and_once(desk: Desk) -> None:
    blob = desk.ramp()
    first = desk.apply(blob, ["InvertColors", {"LumContrast": {"lum": "-20"}}], frames=4, tail=2, start=Fraction(1, 8))
    back = desk.apply(blob, [{"LumContrast": {"lum": "-20"}}, "InvertColors"], frames=4, tail=2, start=Fraction(1, 8))
    y = [70 + 10 * n for n in range(6)]
    assert greys(first) == pytest.approx([251 - one - 17 for one in y], abs=2)
    assert greys(back) == pytest.approx([251 - one + 17 for one in y], abs=2)
    assert first.source == Span(Fraction(0), Fraction(1, 6))
    tone = heard(first)
    assert tone.shape == (2, 12000)
    expected = 0.25 / np.sqrt(2) * np.sin(2 * np.pi * 440 * (6000 + np.arange(12000)) / 48000)
    assert abs(tone[0] - expected).mean() < 0.01, "one channel in two, through AAC, from an eighth of a second on"
    assert desk.worked() == 2
    again = desk.apply(blob, ["InvertColors", {"LumContrast": {"lum": "-20"}}], frames=4, tail=2, start=Fraction(1, 8))
    assert (again, desk.worked()) == (first, 2)
    assert Advanced("s", 6) in desk.told
    assert desk.told[-1] == Finished("s")


def test_a_retimed_clip_keeps_its_speed_and_one_without_effects_its_own_bytes(desk: Desk) -> None:
    blob = desk.ramp()
    fast = desk.apply(blob, ["EvenSize"], frames=3, tail=1, speed=2)
    assert fast.source.length == Fraction(6, 24)
    assert greys(fast) == pytest.approx([40 + 10 * n for n in range(8)], abs=1)
    assert desk.apply(blob, []) == Footage(blob, Span(Fraction(0), Fraction(1, 2)))


def test_odd_turned_and_narrow_pixels_come_upright_square_and_even(desk: Desk) -> None:
    odd = desk.clip("-f", "lavfi", "-i", "testsrc=s=75x41:r=24:d=0.2", "-vf", "setsar=4/3", "-c:v", "mpeg4")
    its = media.probe(desk.apply(odd, ["EvenSize"], frames=2).media.path)
    assert (its.width, its.height, its.pixel, its.frames) == (100, 40, 1, 2)
    varying = desk.clip("-f", "lavfi", "-i", "testsrc2=s=64x36:r=30000/1001:d=0.3")
    its = media.probe(desk.apply(varying, ["EvenSize"], frames=4).media.path)
    assert (its.rate, its.frames) == (Fraction(30000, 1001), 5)


WARM = """
import looks.lut as lut
from helpers import strength

print("hello")

def warm(clip, much=1, tint=None):
    print("noise" * 10000)
    assert tint in (None, [1, 2.5, True])
    return clip.image_transform(lambda picture: lut.brighter(picture, strength() * much))
"""


def test_a_function_of_the_authors_own_is_applied_with_the_modules_it_imports(desk: Desk) -> None:
    blob = desk.ramp()
    desk.write("looks/lut.py", "from .more import add\ndef brighter(picture, much):\n    return add(picture, much)\n")
    desk.write("looks/more.py", "def add(picture, much):\n    return picture + float(much)\n")
    desk.write("helpers.py", "def strength():\n    return 20\n")
    desk.write("grade.py", WARM)
    warm: Written = {"grade:warm": {"much": "2", "tint": ["1", "2.5", "true"]}}
    made = desk.apply(blob, [warm], frames=3)
    assert greys(made) == pytest.approx([40 + 34, 50 + 34, 60 + 34], abs=2)
    desk.write("looks/more.py", "def add(picture, much):\n    return picture - float(much)\n")
    assert greys(desk.apply(blob, [warm], frames=3)) == pytest.approx([16, 16, 26], abs=2)
    desk.write("unused.py", "pass")
    desk.apply(blob, [warm], frames=3)
    assert desk.worked() == 2


def test_code_that_is_not_trusted_does_not_run(desk: Desk) -> None:
    blob, mark = desk.ramp(), desk.folder / "ran"
    desk.write("helpers.py", "")
    (desk.folder / "grade.py").write_text(f"import helpers\nopen({str(mark)!r}, 'w')\ndef warm(clip): return clip\n")
    with pytest.raises(MediaError, match=r"grade:warm isn't trusted \(grade.py\): see 'storyboard trust'"):
        desk.apply(blob, ["grade:warm"])
    desk.write("grade.py", (desk.folder / "grade.py").read_text())
    (desk.folder / "helpers.py").write_text("import os")
    with pytest.raises(MediaError, match=r"helpers\.py"):
        desk.apply(blob, ["grade:warm"])
    assert not mark.exists()
    desk.write("helpers.py", "")
    desk.apply(blob, ["grade:warm"], frames=1)
    assert mark.exists()


BROKEN = {
    "raises": ("def f(clip):\n    return clip.width_typo\n", r"grade:f failed: AttributeError: .*width_typo.* \(grade.py, line 2\)"),
    "late": (
        "def f(clip):\n    def look(picture):\n        return 1 / 0\n    return clip.image_transform(look)\n",
        r"grade:f failed: ZeroDivisionError: division by zero \(grade.py, line 3\)",
    ),
    "exits": ("def f(clip):\n    exit(3)\n", r"grade:f failed: SystemExit: 3 \(grade.py, line 2\)"),
    "returns nothing": ("def f(clip):\n    clip.with_fps(3)\n", "it returns NoneType, not a moviepy clip: end it with 'return clip'"),
    "takes no clip": ("def f():\n    pass\n", r"TypeError: f\(\) takes 0 positional arguments but 1 was given"),
    "no length": ("def f(clip):\n    return clip.with_duration(None)\n", "its clip has no length"),
    "grey": ("def f(clip):\n    return clip.image_transform(lambda p: p[:, :, 0])\n", "its pictures have no colours"),
    "differs in size": (
        "def f(clip):\n    return clip.transform(lambda get, t: get(t)[: 36 - int(t * 240)])\n", "its pictures differ in size"
    ),
    "none of that name": ("g = 1\n", "'grade' has no function 'f'"),
    "imports what isn't there": ("import nowhere\n", r"No module named 'nowhere' \(grade.py, line 1\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_an_authors_function_is_told_with_its_line(desk: Desk, name: str) -> None:
    code, words = BROKEN[name]
    (desk.folder / "nowhere.py").write_text("x = 1")
    assert re.search(words, desk.in_process({"grade": ["grade.py", code, False]}, ["MirrorX", "grade:f"]))


LOOK = """
import os, importlib

def f(clip):
    try:
        input()
    except EOFError:
        try:
            importlib.import_module("other")
        except ImportError as error:
            raise ValueError(sorted(os.environ), str(error)) from None
"""
HARMFUL = {
    "crashes": ("import os\ndef f(clip):\n    os.abort()\n", r"grade:f ended its process \(signal 6\)"),
    "looks about": (
        LOOK,
        r"""ValueError: \(\['LC_ALL', 'PATH', 'PYTHONPATH'\], "No module named 'other'"\)""",
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_an_authors_function_does_costs_that_shot_only(desk: Desk, name: str) -> None:
    code, words = HARMFUL[name]
    (desk.folder / "other.py").write_text("x = 1")
    desk.write("grade.py", code)
    with pytest.raises(MediaError, match=words):
        desk.apply(desk.ramp(), ["MirrorX", "grade:f"], frames=1)
    assert not effects._RUNNING


def test_an_effect_of_moviepy_that_fails_is_named(desk: Desk) -> None:
    place = desk.decoded()
    late: Written = {"Freeze": {"t": "9", "freeze_duration": "1"}}
    assert desk.in_process({}, ["MirrorX", late], place).startswith("the effect Freeze failed: ValueError: end_time")
    assert desk.in_process({}, [{"Crop": {"x1": "100"}}], place) == "the effect Crop failed: its pictures are 0x36"


def test_what_is_wrong_with_a_clip_is_told(desk: Desk) -> None:
    with pytest.raises(MediaError, match="it ends before its shot begins"):
        desk.apply(desk.ramp(), ["MirrorX"], start=Fraction(5))
    with pytest.raises(MediaError, match="too large for effects"):
        desk.apply(desk.ramp(), ["MirrorX"], frames=10**9)
    playlist = desk.folder / "playlist.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(MediaError, match="isn't an MP4"):
        desk.apply(Blob(playlist.name, 1, str(desk.folder)), ["MirrorX"])


LOOP = (
    "def f(clip):\n    while True:\n        try:\n            pass\n        except BaseException:\n            pass\n"
)


def test_a_worker_does_not_outlive_who_waits_for_it(desk: Desk) -> None:
    job = {"effects": [["grade:f", {}]], "rate": [24, 1], "frames": 1, "folder": str(desk.folder)}
    job["modules"] = {"grade": ["grade.py", LOOP, False]}
    done = subprocess.run(
        [sys.executable, "-m", "storyboard.cut.apply"],
        cwd=desk.decoded(),
        env={"PYTHONPATH": str(ROOT)},
        input=json.dumps(job).encode() + b"\n",
        timeout=100,
        check=False,
    )
    assert done.returncode == 1, "its standard input has ended"


def test_a_worker_that_is_at_it_is_ended_when_asked(desk: Desk) -> None:
    desk.write("grade.py", LOOP)
    blob, errors = desk.ramp(), []

    def work() -> None:
        try:
            desk.apply(blob, ["grade:f"])
        except MediaError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    while not effects._RUNNING:
        thread.join(0.01)
    effects.stop()
    thread.join()
    assert errors == ["the effect grade:f ended its process (signal 9)"]
