"""Checks on a decoded storyboard, one small function a rule, run in the order of `RULES`."""

from storyboard.diagnostic import Diagnostic
from storyboard.rules.effects import own_functions
from storyboard.rules.files import reference_urls, seconds_of_videos, usable_files
from storyboard.rules.graph import chains_are_made, guides_are_made
from storyboard.rules.names import (
    characters_are_used,
    default_pass_exists,
    fallbacks_add_clips,
    known_characters,
    known_models,
    known_passes,
    known_sets,
    names_are_mentions,
    no_pass_is_called_none,
    unique_characters_and_passes,
    unique_scenes,
    unique_shots,
)
from storyboard.rules.rule import Rule
from storyboard.rules.shots import beats_in_order, picks_are_takes, shots_show_something, sound_fits, timecodes_exist
from storyboard.rules.times import cuts_take_no_time, dialogue_fits, durations_show, transitions_fit
from storyboard.world import World

RULES: tuple[Rule, ...] = (
    unique_shots,
    unique_scenes,
    unique_characters_and_passes,
    known_models,
    default_pass_exists,
    known_passes,
    fallbacks_add_clips,
    no_pass_is_called_none,
    known_sets,
    known_characters,
    characters_are_used,
    names_are_mentions,
    guides_are_made,
    chains_are_made,
    reference_urls,
    usable_files,
    seconds_of_videos,
    shots_show_something,
    picks_are_takes,
    beats_in_order,
    timecodes_exist,
    sound_fits,
    durations_show,
    transitions_fit,
    cuts_take_no_time,
    dialogue_fits,
    own_functions,
)


def check(world: World) -> list[Diagnostic]:
    """Every finding of every rule."""
    return [finding for rule in RULES for finding in rule(world)]
