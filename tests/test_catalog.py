"""The models as data: their prices and limits as published, the contradictions settled, and models of one's own."""

import json
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import storyboard
from storyboard import report
from storyboard.catalog import Catalog, Model, new, own
from storyboard.job import Job
from storyboard.providers import remote
from storyboard.providers.aimlapi import AimlApi
from storyboard.providers.remote import Remote
from storyboard.providers.wavespeed import WaveSpeed
from storyboard.providers.wire import Answer, Status, Ticket
from tests.folder import ROOT, Folder

FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
STANDARD = "wavespeed/alibaba/wan-2.6/reference-to-video"
IMAGE = "wavespeed/alibaba/wan-2.6/image-to-video-flash"
VERCEL = "vercel/alibaba/wan-v2.6-r2v-flash"
AIML = "aimlapi/alibaba/wan-2-6-r2v"

CASES = Path(__file__).parent / "cases" / "models"
SCHEMAS = ROOT / "schemas" / "models"
CATALOG = ROOT / "storyboard" / "catalog"
FILES = sorted(CATALOG.glob("*.toml"))
MODELS = Catalog()
PAID = [MODELS[name] for name in MODELS if not MODELS[name].any_length]


def board(model: str, pass_: str = "", shot: str = "", prompt: str = "@mira waves at @tom") -> str:
    """A storyboard of one shot with two characters, each with a picture and a video behind https URLs."""
    cast = "\n".join(
        f"  {name}: {{look: looks like {name}, references: ["
        + ", ".join(f"{{url: 'https://example.org/{name}.{end}', sha256: {sha * 32}}}" for end, sha in ends)
        + "]}"
        for name, ends in (("mira", (("png", "a1"), ("mp4", "a2"))), ("tom", (("png", "b1"), ("mp4", "b2"))))
    )
    return f"""\
storyboard: 1
characters:
{cast}
passes: {{p: {{model: {model}{pass_ and ", "}{pass_}}}}}
shots:
  - {{id: a, prompt: "{prompt}"{shot and ", "}{shot}}}
"""


def request(project: Folder, model: str, pass_: str = "", shot: str = "", **more: str) -> dict[str, Any]:
    """What the one shot of such a storyboard asks for."""
    project.write(board(model, pass_, shot, **more))
    made = storyboard.load(project.path / "storyboard.yaml").plan().steps[0].job
    assert made is not None
    Draft202012Validator(own.plain(MODELS[model].request)).validate(dict(made.request))
    return dict(made.request)


def findings(project: Folder, text: str) -> list[tuple[str, str]]:
    project.write(text)
    return [(finding.code, finding.message) for finding in storyboard.check(project.path / "storyboard.yaml")]


def cost(model: str, resolution: str, seconds: int, *, audio: bool) -> Decimal:
    usd = MODELS[model].cost(resolution=resolution, seconds=Fraction(seconds), audio=audio)
    assert usd is not None
    return usd


def fits(model: Model, body: dict[str, Any]) -> bool:
    return Draft202012Validator(own.plain(model.request)).is_valid(body)


def body(model: Model, **values: Any) -> dict[str, Any]:
    aspect = next(iter(model.sizes))
    size = next(iter(model.sizes[aspect].values()))
    usual = {"aspect": "16:9", "size": size, "duration": model.lengths["sold"][0]}
    return model.body({**own.TRIED, **usual, **values})


# Prices


def test_every_price_of_reference_to_video_flash() -> None:
    published = {
        ("720p", 5, False): "0.25",
        ("720p", 5, True): "0.50",
        ("720p", 10, False): "0.375",
        ("720p", 10, True): "0.75",
        ("1080p", 5, False): "0.40",
        ("1080p", 5, True): "0.80",
        ("1080p", 10, False): "0.60",
        ("1080p", 10, True): "1.20",
    }
    for (resolution, seconds, audio), usd in published.items():
        assert cost(FLASH, resolution, seconds, audio=audio) == Decimal(usd)


def test_every_price_of_reference_to_video() -> None:
    published = {("720p", 5): "1.00", ("720p", 10): "1.50", ("1080p", 5): "1.50", ("1080p", 10): "2.25"}
    for ((resolution, seconds), usd), audio in product(published.items(), (False, True)):
        assert cost(STANDARD, resolution, seconds, audio=audio) == Decimal(usd)


def test_every_price_of_image_to_video_flash() -> None:
    for_5_s = {
        ("720p", False): "0.125",
        ("720p", True): "0.25",
        ("1080p", False): "0.1875",
        ("1080p", True): "0.375",
    }
    for ((resolution, audio), usd), seconds in product(for_5_s.items(), range(2, 16)):
        assert cost(IMAGE, resolution, seconds, audio=audio) == Decimal(usd) * seconds / 5


@pytest.mark.parametrize(
    ("resolution", "seconds", "audio", "usd"),
    [("720p", 5, False, "0.125"), ("720p", 10, True, "0.50"), ("1080p", 15, True, "1.125")],
)
def test_the_worked_examples_of_image_to_video_flash(resolution: str, seconds: int, audio: bool, usd: str) -> None:
    assert cost(IMAGE, resolution, seconds, audio=audio) == Decimal(usd)


@pytest.mark.parametrize("model", [m.id for m in PAID if m.provider != "wavespeed"])
def test_a_price_that_nobody_states_is_unknown(model: str) -> None:
    one = MODELS[model]
    resolutions = {resolution for by in one.sizes.values() for resolution in by}
    for resolution, seconds, audio in product(resolutions, one.lengths["sold"], (False, True)):
        assert one.cost(resolution=resolution, seconds=Fraction(seconds), audio=audio) is None


def test_what_is_not_sold_has_no_price() -> None:
    assert MODELS[FLASH].cost(resolution="480p", seconds=Fraction(5), audio=False) is None
    assert MODELS[FLASH].cost(resolution="720p", seconds=Fraction(7), audio=False) is None


# Limits


@pytest.mark.parametrize("model", PAID, ids=lambda model: model.id)
def test_what_is_offered_fits_the_request_schema_and_the_next_length_does_not(model: Model) -> None:
    for seconds in model.lengths["sold"]:
        assert fits(model, body(model, duration=seconds))
        assert model.bought(Fraction(seconds)) == seconds
    assert not fits(model, body(model, duration=model.lengths["sold"][0] - 1))
    assert not fits(model, body(model, duration=model.lengths["sold"][-1] + 1))
    assert model.bought(model.longest + Fraction(1, 24)) is None
    for aspect, by in model.sizes.items():
        for size in by.values():
            assert fits(model, body(model, size=size, aspect="16:9" if aspect == "any" else aspect))
    assert not fits(model, body(model, size="832*480"))


@pytest.mark.parametrize("model", [m for m in PAID if m.references], ids=lambda model: model.id)
def test_as_many_references_fit_as_the_model_takes_and_not_one_more(model: Model) -> None:
    assert model.references is not None
    urls = [f"https://example.org/{n}.mp4" for n in range(model.references.total + 1)]
    assert fits(model, body(model, references=urls[:-1]))
    assert not fits(model, body(model, references=urls))
    assert not fits(model, body(model, references=[]))


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, dict[str, Any], str, int, bool]:
    model = draw(st.sampled_from(PAID))
    aspect = draw(st.sampled_from(sorted(model.sizes)))
    resolution = draw(st.sampled_from(sorted(model.sizes[aspect])))
    seconds = draw(st.sampled_from(model.lengths["sold"]))
    audio = draw(st.booleans())
    shape = "16:9" if aspect == "any" else aspect
    values = {"aspect": shape, "size": model.sizes[aspect][resolution], "duration": seconds, "audio": audio}
    return model, {**own.TRIED, **values}, resolution, seconds, audio


@given(asked())
def test_a_request_says_what_was_asked_for(sample: tuple[Model, dict[str, Any], str, int, bool]) -> None:
    model, values, resolution, seconds, audio = sample
    wanted = model.wanted(model.body(values))
    assert (wanted.resolution, wanted.seconds) == (resolution, seconds)
    assert wanted.audio == (audio if "audio" in model.fields else None)
    if wanted.width and wanted.height:
        assert min(wanted.width, wanted.height) == int(resolution.removesuffix("p"))
    assert model.prompt_in(model.body(values)) == values["prompt"]
    given_ = values["references"] if model.references else [values["image"]] if model.image else []
    assert model.references_in(model.body(values)) == given_


# The contradictions, by their numbers in the catalogue


def test_every_contradiction_has_a_reading() -> None:
    read = {reading.id for name in MODELS for reading in MODELS[name].readings if reading.id}
    assert read == {f"I{n:02}" for n in range(1, 26)}


def test_i01_shot_type_is_single_unless_the_pass_says_multi(project: Folder) -> None:
    assert request(project, FLASH)["shot_type"] == "single"
    assert request(project, FLASH, "shot_type: multi")["shot_type"] == "multi"


def test_i02_the_duration_is_never_left_out(project: Folder) -> None:
    assert request(project, IMAGE)["duration"] == 5
    assert request(project, IMAGE, shot="duration: 15")["duration"] == 15


def test_i03_image_to_video_flash_makes_2_to_15_s() -> None:
    assert (MODELS[IMAGE].shortest, MODELS[IMAGE].longest) == (2, 15)
    assert MODELS[IMAGE].bought(Fraction(1)) == 2


def test_i04_references_are_five_images_or_videos_of_which_three_videos(project: Folder) -> None:
    sent = request(project, FLASH)["reference_urls"]
    assert sent == [f"sha256:{sha * 32}" for sha in ("a1", "b1", "a2", "b2")]
    assert MODELS[FLASH].references is not None
    assert vars(MODELS[FLASH].references) == {"images": 5, "videos": 3, "total": 5}


def test_i05_a_size_has_its_asterisk(project: Folder) -> None:
    assert request(project, FLASH)["size"] == "1280*720"


def test_i06_each_model_has_its_own_field_for_references(project: Folder) -> None:
    flash, standard = request(project, FLASH), request(project, STANDARD)
    assert "videos" not in flash and "reference_urls" not in standard
    assert standard["videos"] == [f"sha256:{sha * 32}" for sha in ("a2", "b2")]


def test_i07_the_standard_model_takes_no_images(project: Folder) -> None:
    only_a_picture = board(STANDARD, prompt="@mira waves").replace(
        f", {{url: 'https://example.org/mira.mp4', sha256: {'a2' * 32}}}", ""
    )
    assert [code for code, _ in findings(project, only_a_picture)][:1] == ["SB302"]


def test_i08_there_is_no_480p(project: Folder) -> None:
    refused = ("SB307", f"{STANDARD} (pass p) doesn't offer 480p")
    assert refused in findings(project, board(STANDARD, "resolution: 480p"))


def test_i09_several_shots_are_shot_type_multi(project: Folder) -> None:
    sent = request(project, STANDARD, "shot_type: multi")
    assert sent["shot_type"] == "multi"
    assert not fits(MODELS[STANDARD], {**sent, "multishots": True})


@pytest.mark.parametrize(("needed", "bought"), [(4, 5), (5, 5), (6, 10), (9, 10), (10, 10)])
def test_i10_the_standard_model_makes_5_or_10_s(project: Folder, needed: int, bought: int) -> None:
    assert request(project, STANDARD, shot=f"duration: {needed}")["duration"] == bought


@pytest.mark.parametrize(
    ("model", "field"),
    [(FLASH, "enable_prompt_expansion"), (STANDARD, "enable_prompt_expansion"), (AIML, "enhance_prompt")],
)
def test_i11_multi_switches_nothing_else_on(project: Folder, model: str, field: str) -> None:
    assert request(project, model, "shot_type: multi")[field] is False
    assert request(project, model, "shot_type: multi, prompt_expansion: true")[field] is True


@pytest.mark.parametrize("model", [FLASH, STANDARD, IMAGE])
def test_i12_required_fields_are_sent(project: Folder, model: str) -> None:
    sent = request(project, model)
    for field in MODELS[model].request["required"]:
        assert sent[field]
        assert not fits(MODELS[model], {key: value for key, value in sent.items() if key != field})


@pytest.mark.parametrize("outputs", [["https://x.test/1.mp4"], {"0": "https://x.test/1.mp4"}])
def test_i13_outputs_are_a_list_or_an_object_and_the_flag_may_be_missing(outputs: Any) -> None:
    status = WaveSpeed().status(Answer(200, {}, {"data": {"status": "completed", "outputs": outputs}}))
    assert (status.state, [output.url for output in status.outputs]) == ("done", ["https://x.test/1.mp4"])


@pytest.mark.parametrize(("model", "times"), [(FLASH, "1.6"), (STANDARD, "1.5"), (IMAGE, "1.5")])
def test_i14_1080p_costs_what_each_table_says(model: str, times: str) -> None:
    for seconds in (5, 10):
        low, high = (cost(model, resolution, seconds, audio=False) for resolution in ("720p", "1080p"))
        assert high == low * Decimal(times)


@pytest.mark.parametrize(("model", "times"), [(FLASH, "1.5"), (STANDARD, "1.5"), (IMAGE, "2")])
def test_i15_10_s_cost_what_each_table_says(model: str, times: str) -> None:
    for resolution in ("720p", "1080p"):
        short, long = (cost(model, resolution, seconds, audio=False) for seconds in (5, 10))
        assert long == short * Decimal(times)


@pytest.mark.parametrize("model", [FLASH, IMAGE])
def test_i16_sound_is_off_and_costs_double(project: Folder, model: str) -> None:
    assert request(project, model)["enable_audio"] is False
    assert request(project, model, "audio: true")["enable_audio"] is True
    assert cost(model, "720p", 5, audio=True) == 2 * cost(model, "720p", 5, audio=False)


def test_i16_the_standard_model_has_no_switch_for_sound(project: Folder) -> None:
    assert not {"audio", "enable_audio"} & set(request(project, STANDARD, "audio: true"))
    assert ("SB306", f"{STANDARD} (pass p) has no switch 'audio': nothing is sent for it") in findings(
        project, board(STANDARD, "audio: true")
    )


@pytest.mark.parametrize(
    ("model", "sold"), [(VERCEL, list(range(2, 11))), (FLASH, [5, 10]), (STANDARD, [5, 10]), (AIML, [5, 10, 15])]
)
def test_i17_each_seller_has_its_own_lengths(project: Folder, model: str, sold: list[int]) -> None:
    assert MODELS[model].lengths["sold"] == sold
    assert request(project, model, shot=f"duration: {sold[-1]}")["duration"] == sold[-1]
    found = findings(project, board(model, shot=f"duration: {sold[-1] + 1}"))
    assert [code for code, _ in found if code == "SB301"]


def test_i18_vercel_takes_images_and_videos_and_needs_one(project: Folder) -> None:
    sent = request(project, VERCEL)["inputReferences"]
    assert sent == [{"type": "url", "url": f"sha256:{sha * 32}"} for sha in ("a1", "b1", "a2", "b2")]
    assert [code for code, _ in findings(project, board(VERCEL, prompt="An empty bay"))] == ["SB303"]


def test_i19_rewriting_is_enhance_prompt_at_aimlapi(project: Folder) -> None:
    sent = request(project, AIML)
    assert sent["enhance_prompt"] is False
    assert not {"prompt_extend", "enable_prompt_expansion"} & set(sent)


def test_i20_both_fields_of_the_size_are_sent(project: Folder) -> None:
    sent = request(project, AIML)
    assert (sent["resolution"], sent["aspect_ratio"]) == ("720p", "16:9")


def test_i21_the_model_stands_in_the_body() -> None:
    job = Job(AIML, {"prompt": "a boat"}, {}, Fraction(5), None, None)
    call = AimlApi().submit(job, job.request, "")
    assert (call.method, call.path) == ("POST", "/v2/video/generations")
    assert call.body == {"model": "alibaba/wan-2-6-r2v", "prompt": "a boat"}


@pytest.mark.parametrize("model", [FLASH, STANDARD, VERCEL, AIML])
def test_i22_characters_are_numbered_in_the_order_of_the_references(project: Folder, model: str) -> None:
    assert request(project, model)["prompt"] == "character1 waves at character2."
    sent = request(project, model, shot="characters: [tom, mira]")
    assert sent["prompt"] == "character2 waves at character1."
    assert MODELS[model].references_in(sent)[0].startswith("sha256:b")


def test_i23_each_video_is_one_character_s(project: Folder) -> None:
    sent = request(project, AIML)
    assert sent["video_urls"] == [f"sha256:{sha * 32}" for sha in ("a2", "b2")]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("created", "queued"),
        ("processing", "running"),
        ("completed", "done"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("deleted", "cancelled"),
        ("timeout", "failed"),
    ],
)
def test_i24_seven_states_are_known(said: str, state: str) -> None:
    status = WaveSpeed().status(Answer(200, {}, {"data": {"status": said}}))
    assert (status.state, status.known) == (state, True)


def test_i24_any_other_word_keeps_being_polled() -> None:
    status = WaveSpeed().status(Answer(200, {}, {"data": {"status": "succeeded"}}))
    assert (status.state, status.known) == ("running", False)


def test_i25_a_silent_clip_is_told(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = request(project, FLASH, "audio: true")
    came = SimpleNamespace(frames=120, rate=Fraction(24), width=1280, height=720, sound=False)
    monkeypatch.setattr(remote, "probe", lambda _path: came)
    provider = SimpleNamespace(_setup=SimpleNamespace(models=MODELS), _api=WaveSpeed())
    job = Job(FLASH, sent, {}, Fraction(5), None, None)
    facts = Remote._facts(provider, job, Ticket("p1"), Status("done", "completed"), Path("clip.mp4"))  # type: ignore[arg-type]
    assert facts["differs"] == ["silent, though sound was asked for"]


# The files


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_built_in_file_is_one_that_a_user_could_have_written(path: Path, tmp_path: Path) -> None:
    data = own.plain(tomllib.loads(path.read_text("utf-8")))
    assert list(own._shape(data)) == []
    if data["id"].startswith("local/"):
        return
    (tmp_path / path.name).write_bytes(path.read_bytes())
    models, found = own.read(tmp_path, "models")
    assert found == []
    assert models == {data["id"]: new(data)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_request_schemas(path: Path, golden: Callable[[Path, str], None]) -> None:
    data = tomllib.loads(path.read_text("utf-8"))
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": data["id"], **data["request"]}
    golden(SCHEMAS / f"{path.stem}.schema.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def test_the_schema_of_a_model_file(golden: Callable[[Path, str], None]) -> None:
    Draft202012Validator.check_schema(own.schema())
    golden(SCHEMAS / "model.schema.json", (CATALOG / "model.schema.json").read_text("utf-8"))


def test_every_key_of_a_model_file_is_described() -> None:
    def undescribed(schema: dict[str, Any], where: str) -> list[str]:
        found = []
        for key, inner in schema.get("properties", {}).items():
            shown = schema_of(inner)
            if "description" not in inner and "description" not in shown:
                found.append(f"{where}.{key}")
            found += undescribed(shown, f"{where}.{key}") + undescribed(shown.get("items", {}), f"{where}.{key}")
        return found

    def schema_of(inner: dict[str, Any]) -> dict[str, Any]:
        named = inner.get("$ref", "").rpartition("/")[2]
        return own.schema()["$defs"][named] if named else inner

    assert undescribed(own.schema(), "") == []


# Models of one's own


def example() -> str:
    """The model file of the guide."""
    guide = (ROOT / "docs" / "providers.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    return next(block for block in blocks if block.startswith("# models/next.toml"))


def test_the_example_of_the_guide_is_a_model_to_plan_with(project: Folder) -> None:
    project.write(example(), "models/next.toml")
    project.write(board("wavespeed/acme/next", "resolution: 1080p", "duration: 6"))
    assert json.loads(project.run("check", "--json").stdout)["errors"] == 0
    (job,) = json.loads(project.run("plan", "--json").stdout)["jobs"]
    assert job["model"] == "wavespeed/acme/next"
    assert job["seconds"] == {"asked": 6, "bought": 8}
    assert job["cost"] == "0.80"
    assert job["request"] == {
        "images": [f"sha256:{sha * 32}" for sha in ("a1", "b1")],
        "prompt": "<1> waves at <2>.",
        "size": "1080p",
        "ratio": "16:9",
        "duration": 8,
        "sound": False,
        "seed": 1,
        "watermark": False,
    }


def test_a_file_of_one_s_own_replaces_a_built_in_one(project: Folder) -> None:
    text = (CATALOG / "wavespeed-wan-2.6-reference-to-video-flash.toml").read_text("utf-8")
    project.write(text.replace('usd = "0.25"', 'usd = "0.20"'), "models/cheaper.toml")
    project.write(board(FLASH))
    assert json.loads(project.run("plan", "--json").stdout)["total"]["cost"] == "0.20"


def test_a_folder_without_models_adds_none(tmp_path: Path) -> None:
    assert own.read(tmp_path / "models", "models") == ({}, [])


@pytest.mark.parametrize("path", sorted(CASES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_model_file_that_cannot_be_used(path: Path, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    (tmp_path / path.name).write_bytes(path.read_bytes())
    models, found = own.read(tmp_path, "models")
    assert models == {}
    assert {finding.code for finding in found} <= {"SB001", "SB002", "SB310"}
    assert all(finding.help for finding in found if finding.code == "SB310")
    golden(path.with_suffix(".txt"), report.findings(found) + "\n")


def test_two_files_with_one_id(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(example(), "utf-8")
    models, found = own.read(tmp_path, "models")
    assert list(models) == ["wavespeed/acme/next"]
    golden(CASES / "two-files-with-one-id.txt", report.findings(found) + "\n")


def test_a_bad_model_file_stops_the_storyboard_and_says_where(project: Folder) -> None:
    project.write(example().replace('mentions = "token"', 'mentions = "tokn"'), "models/next.toml")
    project.write("storyboard: 1\nshots:\n  - {id: a, prompt: A boat}\n")
    (found,) = json.loads(project.run("check", "--json", status=1).stdout)["diagnostics"]
    assert (found["code"], found["file"], found["line"]) == ("SB310", "models/next.toml", 6)


def test_nesting_without_end_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 50_000, "utf-8")
    (finding,) = own.read(tmp_path, "models")[1]
    assert finding.code == "SB310"


@given(st.text(max_size=60))
def test_any_text_is_a_model_or_a_finding(text: str) -> None:
    source = storyboard.source.Source("models/x.toml", text)
    assert own._checked(source)[1]


@given(st.data())
def test_any_one_value_changed_is_a_model_or_a_finding(data: st.DataObject) -> None:
    lines = example().splitlines()
    n = data.draw(st.integers(0, len(lines) - 1))
    values = ["", "3", "-1", "true", '""', '"x"', "[]", "{}", "2026-11-21", "[{}]", "1.5", '["a"]', "nan", "{ a = 1 }"]
    lines[n] = lines[n].partition("=")[0] + "= " + data.draw(st.sampled_from(values))
    source = storyboard.source.Source("models/x.toml", "\n".join(lines))
    made, found = own._checked(source)
    for finding in found:
        assert finding.code == "SB310"
    if not found:
        new(made)


# The command


def test_models_lists_every_model(project: Folder) -> None:
    shown = project.run("models").stdout
    assert all(name in shown for name in MODELS)
    assert re.search(rf"{FLASH}\s+reference-to-video\s+5, 10\s+from \$0\.25", shown)


@pytest.mark.parametrize("model", [FLASH, IMAGE, VERCEL, "local/animatic"])
def test_models_shows_one(project: Folder, model: str, golden: Callable[[Path, str], None]) -> None:
    shown = project.run("models", model).stdout
    assert max(map(len, shown.splitlines())) <= 100
    golden(CASES / f"sheet-{model.replace('/', '-')}.txt", shown)


def test_models_shows_one_s_own(project: Folder) -> None:
    project.write(example(), "models/next.toml")
    assert re.search(r"wavespeed/acme/next .* own$", project.run("models").stdout, re.MULTILINE)
    assert project.run("models", "wavespeed/acme/next").stdout.startswith("wavespeed/acme/next (own)\n")
    (project.path / "elsewhere").mkdir()
    beside = Folder(project.path / "elsewhere")
    assert "acme" in beside.run("models", "--file", "../storyboard.yaml").stdout
    assert "acme" not in beside.run("models").stdout


def test_models_as_json_holds_what_is_known(project: Folder) -> None:
    (shown,) = json.loads(project.run("models", FLASH, "--json").stdout)["models"]
    assert shown["request"] == own.plain(MODELS[FLASH].request)
    assert (shown["kept"], shown["files"], shown["own"]) == (604800, "upload", False)
    assert shown["best"] and shown["source"]
    assert {reading["id"] for reading in shown["readings"]} >= {"I01", "I25"}


def test_a_model_file_that_cannot_be_used_is_shown_beside_the_list(project: Folder) -> None:
    project.write("id = 3\n", "models/next.toml")
    done = project.run("models", status=1)
    assert "SB310" in done.stderr and FLASH in done.stdout
