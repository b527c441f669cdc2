"""What is about to be sent, checked against its model's JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyboard.catalog import Model


class Unsendable(Exception):
    """A request that its model's schema refuses."""


def require_sendable(requests: Sequence[tuple[str, Mapping[str, Any]]], models: Mapping[str, Model]) -> None:
    """Nothing, where every request, beside its model's id, fits.

    Raises:
        Unsendable: one doesn't; the message names the first, in the author's words where there are some.
    """
    if not requests:
        return
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- a plan sends nothing

    schemas = {name: Draft202012Validator(models[name].request) for name in {model for model, _ in requests}}
    for model, request in requests:
        for error in schemas[model].iter_errors(request):
            place = ".".join(map(str, error.absolute_path))
            words = (word for word, places in models[model].fields.items() if place in places.split())
            what = next(words, place) or "the request"
            raise Unsendable(f"{model} doesn't take this {what}: {error.message[:300]}")
