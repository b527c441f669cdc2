"""Checks on a decoded storyboard, one small function a rule, run in the order of `RULES`."""

from storyboard.diagnostic import Diagnostic
from storyboard.rules.context import Context, Rule
from storyboard.rules.files import reference_urls, usable_files
from storyboard.rules.names import (
    default_pass_exists,
    known_characters,
    known_models,
    known_passes,
    unique_characters_and_passes,
    unique_scenes,
    unique_shots,
)
from storyboard.rules.times import dialogue_fits, durations_show, transitions_fit

RULES: tuple[Rule, ...] = (
    unique_shots,
    unique_scenes,
    unique_characters_and_passes,
    known_models,
    default_pass_exists,
    known_passes,
    known_characters,
    reference_urls,
    usable_files,
    durations_show,
    transitions_fit,
    dialogue_fits,
)


def check(context: Context) -> list[Diagnostic]:
    """Every finding of every rule."""
    return [finding for rule in RULES for finding in rule(context)]
