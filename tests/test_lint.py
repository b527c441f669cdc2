"""Prompt lint: what is found in a director's sentences, what isn't, and where it points."""

import json

import pytest

import storyboard
from storyboard import words
from storyboard.diagnostic import Diagnostic
from tests.folder import ROOT, Folder

SOUND = """
@mira says, "Not tonight"
@mira says softly to @tom: “Not tonight.”
"Hold the line!" shouts the captain
“Come back,” @mira whispers
@tom yells 'Land!' from the bow
A voiceover explains the storm
The narrator speaks over the waves
Music swells as the lamp is lit
Soft piano music plays
With the sound of waves
We hear gulls
A foghorn can be heard far out
Thunder is heard off-screen
Upbeat background music
Footsteps echo through the stairwell
A gunshot rings out
Loud applause as he bows
Ambient sounds of the harbour
An orchestral score
@mira, lip-synced to the song
Sound effects: creaking wood
The soundtrack is a lone cello
@mira singing "La mer" at the window
A bell rings out over the bay
Voice-over by @mira
A song plays on the radio
@mira delivers the line "I saw your light"
Two sailors shouting: 'Heave!'
"""

NOT_SOUND = """
@mira silently climbs the stair
Beside a music stand a violin lies on a chair
The look speaks volumes
@mira says nothing and turns away
@mira whispers to @tom
@tom shouts into the wind
She sings by the window
A musician plays a cello
The bell swings in the tower
@mira turns at the sound of the bell
She wakes to the sound of the sea
A sound stage with painted sky
The Puget Sound at dawn
A man in a loud Hawaiian shirt
The room echoes her loneliness in mirrors
Sheet music scattered on the floor
A sheet of piano music lies open
Two rings out of the box catch the light
@mira calls the dog
A crowd cheers in the stands
A voice actor stands at a microphone
A record player spins
Waves crash on the rocks
No music, a still sea
Without any sound of the world the diver sinks
The keeper's say is final; 'Beatrice' the boat rocks
The sailors' boat answers the helm
A whisper of smoke
She asks for the lamp with a gesture
A band on a stage, drums and guitars
Thunder clouds build over the bay
She hears the sound of footsteps and freezes
"""

LETTERING = """
A sign that says OPEN
A wooden sign reading "Harbour"
A neon sign reads 'HOTEL'
The banner says "Welcome home"
A newspaper with the headline "Storm"
The words 'The End' appear
Words appear in the sand
The letters spell her name
A title card: First Light
Opening credits over the sea
The credits roll
Subtitles at the bottom
A caption in yellow
Text overlay with the date
Bold text at the top
On-screen text
The text fades in
Text: "Day one"
A shop with gold lettering
The company's logo on the hull
A logo spins
"Beatrice" painted on the bow
The name is written on the hull: "Beatrice"
@mira writes 'help' on the glass
A crate labelled "Fragile"
A lower third with her name
A book that reads Moby Dick
A screen displaying the word "Error"
An intertitle between the two
The inscription reads Ada
A door marked 'Private'
Title sequence in red
"""

NOT_LETTERING = """
@mira reads a letter by the lamp
The man under the sign reads a newspaper
A book of maps lies open
@mira mouths the words 'I love you'
A man of few words
Letters fall from the postman's bag
She reads a text from her brother
A captain salutes
The title holder lifts the belt
The ship's wheel spins
A blank sign swings in the wind
A wall of water rises
Credit cards on a table
He gives her credit for the rescue
No text, no logo
Without subtitles or captions
A poster of a ship on the wall
The screen flickers
She says "the words are mine"
@logo spins
A typewriter on the desk
Chalk drawings on the wall
A page turns in the wind
The letter burns
A note is slid under the door
A pageant of lights
Neon reflections in the rain
A door says nothing of who lives behind it
@my-logo turns to the light
A woman writing at a desk
A painted ship upon a painted ocean
A marked man crosses the street
"""

ABSENCE = """
An empty street, no people
No cars anywhere
A beach without tourists
A kitchen without a single light
A pier without any fishing boats
@mira without a hat
No text, no logo
There are no boats in the harbour
Avoid close-ups
Dusk on the pier. Avoid lens flare
Don't show her face
Never show the sea
Do not show any people
A road with no other cars
A sky with no clouds
The room isn't any place she knows
There aren't any boats
A plain devoid of trees
No smiling faces
A bare wall, no windows visible
no extra fingers, no blur
A quiet sea; don’t add birds
Without @tom
No @tom
A harbour, no lights but the lamp
No humans; only gulls
A city without cars or people
Sand, no footprints in it
Do not include the boat
No sunglasses
A face with no make-up
"""

NOT_ABSENCE = """
She is no longer afraid
No matter how the wind blows
No one is on the pier
Nobody looks up
Nothing but water
She has no idea
In no time the fire is lit
By no means a small wave
A No. 5 on the door
No 5 bus turns the corner
She ducks to avoid the branch
He swerves, avoiding the dog
They don't show fear
She never looks back
Without looking back she walks on
Without a word she leaves
Without a sound the door closes
Without hesitation he jumps
@tom leaves without her
She shakes her head: no
She says "No boats tonight"
“No lamp without oil,” he mutters
A 'no bull' attitude
A no-nonsense captain
He is nowhere to be seen
A knot in the rope
Not a cloud in the sky
She cannot sleep
A no smoking sign hangs askew
She doesn't turn around
There is no doubt in her eyes
No sooner is it lit than it dies
The wind knows no mercy, and she has no need of it
@no-one waits
No longer young, he dances like no one is watching
"""

CAMERA = """
The camera pans left over the bay | pan right
The camera pans slowly to the left | slow pan right
Camera pushes in on her face | static
Camera pushes in on her face | dolly out
Slow zoom in on the lamp | slow dolly out
A slow push-in on @mira | static
Zoom out to show the bay | dolly in
Static shot of the pier | slow dolly in
The camera stays still | pan left
The camera is static | truck left
Locked-off shot | handheld
Tracking shot along the pier | static
Handheld camera, she runs | locked off
The camera follows @mira up the stair | static
The camera tilts up to the gallery | tilt down
Tilt down to her hands | tilt up
The camera pulls back to reveal the sea | push in
Pull back to reveal the sea | slow dolly in
Truck right past the nets | truck left
The camera rises over the dome | crane down
The camera descends to the water | crane up
We push in on the flame | zoom out
The camera pans left | slow dolly in
The camera tilts up | pan right
The camera orbits the lamp | static
Crane shot over the roofs | static
The camera doesn't move | slow dolly in
The camera never moves | pan left
No camera movement | handheld
Whip pan to the door | static
The camera moves closer | dolly out
Drone shot of the island | tripod
The camera glides forward through the nave | pull back
Crash zoom in on his eyes | dolly out
Camera pans from left to right | pan left
The camera drifts to the right | track left
"""

NOT_CAMERA = """
The camera pans left | pan left
The camera pans left | slow pan to the left
The camera pans left | truck left
Slow zoom in | slow dolly in
Static shot | static
Static shot of a pier | locked off
The camera pushes in | slow dolly in while panning left
The camera pans left | dolly in while panning left
Tracking shot | truck left
The camera follows @mira | slow dolly in
Handheld shot | handheld
Handheld, she runs | static
The camera pans left over nothing
The camera pans left | low angle, 50mm
She pushes in through the door | dolly out
A boat pans for gold | static
He tilts his head up | static
The crane lifts a crate up | static
A track in the snow leads out | static
@mira raises the camera up to her eye | static
A security camera pans left | static
His camera moves closer | dolly out
Static on the TV screen | slow dolly in
She stands still | pan left
She looks into the camera and moves closer | static
He films her with a video camera moving to the left | static
We see @mira in the mirror | static
A wide shot of a rider crossing left to right | pan right
The tide pulls back | dolly in
@tom pulls hard at the oars | truck left
"Zoom in!" she says | static
The wave rises | crane down
He pulls back the curtain | dolly in
Pull back the curtain | dolly in
A pan left on the stove | static
No zoom in, please | static
The beam pans across the bay | static
She holds a still camera | pan left
The lens turns left | pan right
The camera pans from left to right | pan right
The dolly zoom makes her dizzy | dolly out
The camera pans left | dolly zoom
They move closer | dolly out
A dolly in a pram | static
The view out of the window | static
"""

TEXT = "vercel/alibaba/wan-v2.6-t2v"
FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
STANDARD = "wavespeed/alibaba/wan-2.6/reference-to-video"
IMAGE = "wavespeed/alibaba/wan-2.6/image-to-video-flash"
CODES = {"SB401", "SB402", "SB403", "SB404", "SB405"}
TABLES = {
    "SB402": (SOUND, NOT_SOUND),
    "SB403": (LETTERING, NOT_LETTERING),
    "SB404": (ABSENCE, NOT_ABSENCE),
    "SB405": (CAMERA, NOT_CAMERA),
}


def rows(table: str) -> list[tuple[str, str]]:
    """Each sentence of a table, with the `camera` beside it."""
    split = (line.partition(" |") for line in table.strip().splitlines())
    return [(sentence, camera.strip()) for sentence, _, camera in split]


def written(shots: list[tuple[str, str]], passes: str) -> str:
    """A storyboard with a shot a line, from line 8 on."""
    lines = [f"  - {{id: s{n}, prompt: {quoted(p)}, camera: {quoted(c)}}}" for n, (p, c) in enumerate(shots)]
    cast = "characters:\n  mira: {look: a keeper}\n  tom: {look: a boy}\n  logo: {look: a cat}\n"
    return "\n".join(["storyboard: 1", f"{cast}passes: {{{passes}}}", "shots:", *lines]) + "\n"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def found(project: Folder, text: str) -> list[Diagnostic]:
    project.write(text)
    return [one for one in storyboard.check(project.path / "storyboard.yaml") if one.code in CODES]


def asked(project: Folder, shots: list[tuple[str, str]], code: str) -> set[str]:
    """The sentences that are warned of."""
    text = written(shots, f"draft: {{model: {TEXT}}}")
    lines = {one.as_json()["line"] for one in found(project, text) if one.code == code}
    return {shots[line - 8][0] for line in lines}


def one(project: Folder, words: str, passes: str = f"draft: {{model: {TEXT}}}", camera: str = "") -> list[Diagnostic]:
    """What is found in one shot."""
    return found(project, written([(words, camera)], passes))


def pointed(project: Folder, shot: str) -> list[str]:
    """The words that each finding in one shot points at, as they are written."""
    text = f"storyboard: 1\npasses: {{draft: {{model: {TEXT}}}}}\nshots:\n  - id: s010\n{shot}"
    return [one.span.text for one in found(project, text)]


def test_there_are_enough_sentences() -> None:
    for table in TABLES.values():
        assert all(len(set(rows(part))) == len(rows(part)) for part in table)
        assert sum(len(rows(part)) for part in table) >= 40


@pytest.mark.parametrize("code", TABLES)
def test_what_a_model_cannot_do_is_warned_of(code: str, project: Folder) -> None:
    shots = rows(TABLES[code][0])
    seen = asked(project, shots, code)
    assert [sentence for sentence, _ in shots if sentence not in seen] == []


@pytest.mark.parametrize("code", TABLES)
def test_what_only_looks_alike_is_not_warned_of(code: str, project: Folder) -> None:
    assert asked(project, rows(TABLES[code][1]), code) == set()


def test_looking_for_the_phrases_of_its_words_alone_misses_nothing() -> None:
    sentences = [sentence for table in TABLES.values() for part in table for sentence, _ in rows(part)]
    every = frozenset().union(*(words.telling(sentence) for sentence in sentences))
    for sentence in sentences:
        own = words.telling(sentence)
        text = words.masked(sentence)
        for rule in (words.sound, words.lettering, words.moves, words.absences):
            assert list(rule(text, own)) == list(rule(text, every)), sentence


@pytest.mark.parametrize("film", ["examples/keeper", "storyboard/starter"])
@pytest.mark.parametrize("model", ["", TEXT, FLASH, STANDARD, IMAGE])
def test_our_own_films_give_no_warning_of_their_prompts(film: str, model: str, project: Folder) -> None:
    text = (ROOT / film / "storyboard.yaml").read_text("utf-8")
    if model:
        assert "model: local/animatic" in text
        text = text.replace("model: local/animatic", f"model: {model}")
    assert found(project, text) == []


@pytest.mark.parametrize(
    ("shot", "places"),
    [
        ('    prompt: "A pier, no people"\n', ["no people"]),
        ("    prompt: A pier, no people\n", ["no people"]),
        ("    prompt: 'The keeper''s pier, no people'\n", ["no people"]),
        ("    prompt: 'A pier without the keeper''s boat'\n", ["without the keeper''s boat"]),
        ('    prompt: "A sign that reads \\"Open\\" sways"\n', ['sign that reads \\"Open\\"']),
        ("    prompt: A sign that reads “Open”\n", ["sign that reads “Open”"]),
        ("    prompt: >-\n      A pier with no\n      people on it\n", ["no\n      people"]),
        ("    prompt: |\n      A pier.\n      No people.\n", ["No people"]),
        ('    prompt: "A pier at dawn, no \\\n      people"\n', ['"A pier at dawn, no \\\n      people"']),
        ('    prompt: "\\u004eo people"\n', ['"\\u004eo people"']),
        ('    prompt: "No people, and no cars"\n', ["No people", "no cars"]),
        ('    prompt: "No boat; no boat"\n', ["No boat", "no boat"]),
        ('    prompt: "no boat; no boat"\n', ["no boat", "no boat"]),
        ('    prompt: "NO PEOPLE"\n', ["NO PEOPLE"]),
        ('    prompt: "ſubtitles"\n', ["ſubtitles"]),
        ('    prompt: "Ein Café, 灯台, no people"\n', ["no people"]),
        ('    prompt: "@mira says \\"No people here\\""\n', ['says \\"No people here\\"']),
        ('    prompt: "A pier; slow zoom in"\n    camera: static\n', ["zoom in"]),
        ("    beats:\n      - {at: 0, prompt: A pier}\n      - {at: 2, prompt: Waves; no boats}\n", ["no boats"]),
        ("    prompt: A pier\n    passes: {draft: {prompt: Rain and no wind}}\n", ["no wind"]),
        ("    prompt: A pier, no people\n    skip: true\n", []),
        ("    prompt: A pier\n    negative: no people\n    notes: no people\n", []),
    ],
)
def test_a_warning_points_at_the_words(shot: str, places: list[str], project: Folder) -> None:
    assert pointed(project, shot) == places


def test_the_same_words_twice_are_two_places(project: Folder) -> None:
    text = written([("no boat; no boat", "")], f"draft: {{model: {TEXT}}}")
    first, second = found(project, text)
    assert second.span.start - first.span.start == len("no boat; ")


def test_looks_and_styles_are_not_read(project: Folder) -> None:
    text = written([("A pier", "")], f"draft: {{model: {TEXT}}}")
    text = text.replace("a keeper", "no beard; a shirt with a logo").replace("A pier", "@mira on a pier")
    assert found(project, text + "style: {prompt: no people, subtitles}\n") == []


def test_the_cure_names_what_goes_under_negative(project: Folder) -> None:
    helps = [one.help for one in one(project, "A quiet pier without any fishing boats in the rain")]
    assert helps == ["leave it out, and put 'fishing boats' under 'negative'"]


def test_a_mention_is_no_way_to_leave_someone_out(project: Folder) -> None:
    assert [w.help for w in one(project, "Without @tom")] == [
        "leave it out: '@tom' sends the character's references along"
    ]


# What depends on the pass


def test_sound_is_no_matter_where_the_pass_has_it(project: Folder) -> None:
    assert one(project, "Music swells", f"draft: {{model: {TEXT}, audio: true}}") == []
    (warning,) = one(project, "Music swells", f"draft: {{model: {TEXT}, audio: false}}")
    assert warning.message == "'Music swells' asks for sound, but it is off in pass draft"
    assert warning.help.startswith("write 'audio: true' in the pass")


def test_sound_for_a_model_without_a_switch_says_so(project: Folder) -> None:
    shot = "characters:\n  mira: {references: ['https://example.com/mira.mp4']}\n"
    passes = f"passes: {{final: {{model: {STANDARD}}}}}\n"
    text = f"storyboard: 1\n{shot}{passes}shots:\n  - {{id: s010, prompt: '@mira turns; music swells'}}\n"
    (warning,) = found(project, text)
    assert warning.message == f"'music swells' asks for sound, but {STANDARD} (pass final) has no switch for it"
    assert "audio: true" not in warning.help


def test_an_override_of_the_sound_counts(project: Folder) -> None:
    text = f"storyboard: 1\npasses: {{draft: {{model: {TEXT}, audio: true}}}}\nshots:\n"
    text += "  - {id: s010, prompt: Music swells, passes: {draft: {audio: false}}}\n"
    assert [one.code for one in found(project, text)] == ["SB402"]


def test_one_warning_of_sound_is_enough(project: Folder) -> None:
    assert len(one(project, "Music swells, we hear gulls, the sound of waves")) == 1


def test_what_holds_for_every_pass_is_said_once(project: Folder) -> None:
    passes = f"draft: {{model: {TEXT}}}, final: {{model: {TEXT}, resolution: 1080p}}"
    assert [one.code for one in one(project, "A sign that says OPEN, no people", passes)] == ["SB403", "SB404"]
    assert len(one(project, "Music swells", passes)) == 2


def test_captions_of_an_animatic_are_for_people(project: Folder) -> None:
    words = 'A sign that says OPEN, no people; @mira says "Go"'
    assert one(project, words, "animatic: {model: local/animatic}") == []
    assert len(one(project, words)) == 3


def test_a_camera_that_contradicts_the_prompt_is_wrong_in_an_animatic_too(project: Folder) -> None:
    (warning,) = one(project, "The camera pans left", "animatic: {model: local/animatic}", "pan right")
    assert warning.message == "'camera pans left' contradicts camera: 'pan right'"
    assert [related.span.text for related in warning.related] == ['"pan right"']


def test_another_move_is_told_from_an_opposite_one(project: Folder) -> None:
    (warning,) = one(project, "The camera tilts up", camera="slow dolly in")
    assert warning.message == "'camera tilts up' is another move than camera: 'slow dolly in'"


# Length


def long(project: Folder, length: int, camera: str = "", style: str = "", scene: str = "") -> list[Diagnostic]:
    """What is found where the shot's own words have `length` characters."""
    own = ("@mira " + "and again " * length)[: length - 1].rstrip() + "!"
    own += "!" * (length - len(own))
    text = f"""storyboard: 1
style: {{prompt: {quoted(style)}}}
characters: {{mira: {{references: ['https://example.com/mira.png']}}}}
passes: {{draft: {{model: {FLASH}}}, animatic: {{model: local/animatic}}}}
scenes:
  - id: pier
    style: {{prompt: {quoted(scene)}}}
    shots: [{{id: s010, camera: {quoted(camera)}, prompt: {quoted(own)}}}]
"""
    return found(project, text)


def test_a_prompt_as_long_as_the_model_reads_is_no_matter(project: Folder) -> None:
    token = len("character1") - len("@mira")
    assert long(project, 1500 - token) == []
    (warning,) = long(project, 1501 - token)
    assert warning.code == "SB401"
    assert warning.message.startswith(
        f"s010 sends a prompt of 1,501 characters, and {FLASH} (pass draft) reads 1,500, up to "
    )
    assert warning.severity == "warning"


def test_an_unknown_limit_is_no_limit(project: Folder) -> None:
    assert one(project, "A pier. " * 400) == []


@pytest.mark.parametrize(
    ("own", "camera", "scene", "style", "lost"),
    [
        (1600, "", "", "", "the end of the prompt"),
        (1600, "slow dolly in", "", "", "the end of the prompt and the camera"),
        (1600, "pan left", "rain", "ink", "the end of the prompt, the camera, the scene's style and the style"),
        (1450, "pan left", "rain", "ink " * 40, "the end of the style"),
        (1450, "pan left", "rain " * 40, "ink", "the end of the scene's style and the style"),
        (1494, "pan left", "rain", "", "the camera and the scene's style"),
    ],
)
def test_what_falls_off_is_named(own: int, camera: str, scene: str, style: str, lost: str, project: Folder) -> None:
    (warning,) = long(project, own, camera, style.strip(), scene.strip())
    assert warning.message.endswith(f": it misses {lost}")


# Any text


@pytest.mark.parametrize(
    "text",
    [
        "says " * 20_000,
        "“" * 100_000,
        '"' * 100_000,
        "'a " * 30_000,
        "no people, " * 20_000,
        "says" + " " * 100_000,
        "says " + "-" * 100_000,
        "camera pans from " * 10_000,
        "the camera pans " + "x " * 50_000,
        "\u202eno people\u0301",
    ],
    ids=lambda text: text[:12],
)
def test_any_text_is_read_in_the_end(text: str) -> None:
    telling, masked = words.telling(text), words.masked(text)
    found = [*words.sound(masked, telling), *words.lettering(masked, telling), *words.absences(masked, telling)]
    found += words.moves(masked, telling)
    words.camera(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert len(found) <= 80
