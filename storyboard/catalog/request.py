"""What is about to be sent, checked against its model's JSON Schema."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storyboard import digest
from storyboard.catalog import Model

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


class Unsendable(Exception):
    """A request that its model's schema refuses."""


class Misfit(NamedTuple):
    """What a schema refuses: our word for the parameter ("" where we have none), the model's place for it, and why."""

    word: str
    place: str
    why: str


class Schemas:
    """The request schemas of models, each compiled once.

    Requests that differ only in texts that may say anything are checked once: a film has few others.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models
        self._validators: dict[str, Validator] = {}
        self._fitting: set[tuple[str, bytes]] = set()

    def misfits(self, model: str, request: Mapping[str, Any]) -> Iterator[Misfit]:
        """What the model's schema refuses of a request."""
        known = self._models[model]
        properties = known.request.get("properties", {})
        free = {name: "" for name, value in request.items() if _anything(properties.get(name), value)}
        seen = model, digest.canonical({**request, **free})
        if seen in self._fitting:
            return
        errors = list(self._validator(known).iter_errors(request))
        if not errors:
            self._fitting.add(seen)
        for error in errors:
            place = ".".join(map(str, error.absolute_path))
            words = (word for word, places in known.fields.items() if any(place.startswith(p) for p in places.split()))
            yield Misfit(next(words, ""), place, error.message[:300])

    def _validator(self, model: Model) -> "Validator":
        from jsonschema import Draft202012Validator  # noqa: PLC0415 -- a plan sends nothing

        if model.id not in self._validators:
            self._validators[model.id] = Draft202012Validator(model.request)
        return self._validators[model.id]


def _anything(schema: Any, value: object) -> bool:
    """Whether a schema takes any text as long as it isn't shorter than this one."""
    if not isinstance(schema, Mapping) or not isinstance(value, str):
        return False
    return schema.keys() <= {"type", "minLength"} and schema.get("minLength", 0) <= 1 and bool(value)


def require_sendable(requests: Sequence[tuple[str, Mapping[str, Any]]], models: Mapping[str, Model]) -> None:
    """Nothing, where every request, beside its model's id, fits.

    Raises:
        Unsendable: one doesn't; the message names the first, in the author's words where there are some.
    """
    schemas = Schemas(models)
    for model, request in requests:
        for misfit in schemas.misfits(model, request):
            what = misfit.word or misfit.place or "the request"
            raise Unsendable(f"{model} doesn't take this {what}: {misfit.why}")
