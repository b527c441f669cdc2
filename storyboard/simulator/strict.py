"""A request against its model's schema: unknown, missing and out-of-range fields are refused by name."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from storyboard.simulator.message import Refused


def require(schema: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Raise `Refused` (400) unless `body` fits; the message names the fields."""
    validator = Draft202012Validator(_closed(schema))
    problems = sorted(validator.iter_errors(body), key=lambda problem: [str(step) for step in problem.absolute_path])
    if problems:
        raise Refused(400, "; ".join(_said(problem) for problem in problems[:5]))


def with_defaults(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with what the schema says is assumed where a field is left out."""
    filled = dict(body)
    for name, part in schema.get("properties", {}).items():
        if name in filled and isinstance(filled[name], dict):
            filled[name] = with_defaults(part, filled[name])
        elif name not in filled and "default" in part:
            filled[name] = part["default"]
    return filled


def _said(problem: ValidationError) -> str:
    where = ".".join(str(step) for step in problem.absolute_path)
    return f"{where}: {problem.message}"[:300] if where else problem.message[:300]


def _closed(schema: Any) -> Any:
    """The schema with every object that lists its properties closed to others."""
    if isinstance(schema, Mapping):
        made = {key: _closed(value) for key, value in schema.items()}
        if isinstance(made.get("properties"), dict) and "type" in made:
            made.setdefault("additionalProperties", False)
        return made
    return [_closed(one) for one in schema] if isinstance(schema, (list, tuple)) else schema
