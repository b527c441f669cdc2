"""Trouble by script: rules that say which request goes wrong, how, and how often.

A script is a JSON list of rules. Rules are tried in order and the first that fires takes the request; a rule
counts only requests that reach it, so two rules of one kind happen one after the other.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

On = Literal["submit", "poll", "upload", "put", "output", "price", "list"]
Do = Literal[
    "status",
    "drop",
    "refuse",
    "hang",
    "html",
    "garbage",
    "reset",
    "no_id",
    "fail",
    "moderate",
    "empty",
    "two",
    "silent",
    "short",
    "not_video",
    "status_word",
    "wrong_type",
    "expire",
    "cut",
    "bomb",
    "endless",
    "mistyped",
    "price",
]

_EVERYWHERE = frozenset(
    {"status", "drop", "refuse", "hang", "html", "garbage", "reset", "cut", "bomb", "endless", "mistyped"}
)
_ONLY: dict[str, frozenset[str]] = {
    "no_id": frozenset({"submit"}),
    "fail": frozenset({"submit", "poll"}),
    "moderate": frozenset({"submit", "poll"}),
    "empty": frozenset({"submit", "poll"}),
    "two": frozenset({"submit", "poll"}),
    "silent": frozenset({"submit"}),
    "short": frozenset({"submit"}),
    "not_video": frozenset({"submit", "output"}),
    "status_word": frozenset({"poll"}),
    "wrong_type": frozenset({"poll"}),
    "expire": frozenset({"output"}),
    "price": frozenset({"price"}),
}
_TAKES: dict[str, frozenset[str]] = {
    "status": frozenset({"status", "body", "retry_after", "accepted", "headers"}),
    "hang": frozenset({"seconds"}),
    "endless": frozenset({"seconds"}),
    "fail": frozenset({"message", "code"}),
    "moderate": frozenset({"what"}),
    "status_word": frozenset({"word"}),
    "price": frozenset({"price"}),
}
_NEEDS = {"status": "status", "hang": "seconds", "price": "price"}


@dataclass(frozen=True)
class Fault:
    """One rule.

    Attributes:
        on: The kind of request; `put` is an upload's bytes, `output` the download of a clip.
        do: What happens. `refuse`, `html` and `status` come before the request is carried out (`status` with
            `accepted`, after); `drop`, `cut` and `reset` (in the middle of the answer), `hang`, `garbage`, `no_id`,
            `bomb` (small, and huge once unpacked), `endless` and `mistyped` (said to be HTML) after it.
        model, prompt: Parts of the model's id and of the prompt (of an upload, of the file's name); "" for any.
        after: Matching requests let pass first.
        times: How often it happens; 0 for always.
        headers: More headers of a `status`, and others instead of its own.
        seconds: How long a `hang` keeps the answer back; between two bytes of an `endless` one, 0 for a flood.
        what: The input that a moderator names.
        price: US dollars as text.
    """

    on: On
    do: Do
    provider: str = ""
    model: str = ""
    prompt: str = ""
    after: int = 0
    times: int = 1
    status: int = 0
    body: Any = None
    retry_after: int | None = None
    accepted: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    message: str = "the task failed"
    code: int | str | None = None
    what: str = "prompt"
    word: str = "reviewing"
    price: str = ""

    def matches(self, on: str, provider: str, model: str, prompt: str) -> bool:
        """Whether the rule is about such a request."""
        return self.on == on and self.provider in {"", provider} and self.model in model and self.prompt in prompt


class Script:
    """Rules and how often each has been met."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._passed = [0] * len(faults)
        self._fired = [0] * len(faults)
        self._lock = threading.Lock()

    def take(self, on: str, provider: str, model: str, prompt: str) -> Fault | None:
        """The rule that this request sets off, or None."""
        with self._lock:
            for n, fault in enumerate(self._faults):
                if not fault.matches(on, provider, model, prompt):
                    continue
                if self._passed[n] < fault.after:
                    self._passed[n] += 1
                elif not fault.times or self._fired[n] < fault.times:
                    self._fired[n] += 1
                    return fault
        return None


def load_faults(path: Path) -> tuple[Fault, ...]:
    """The rules in a JSON file.

    Raises:
        ValueError: it isn't a list of rules; the message says which rule is wrong, and how.
        OSError: it can't be read.
    """
    try:
        rules = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} isn't JSON: {error}") from error
    if type(rules) is not list:
        raise ValueError(f"{path.name} isn't a list of rules")
    return tuple(fault(rule, f"rule {n}") for n, rule in enumerate(rules, 1))


def fault(rule: Any, name: str = "a rule") -> Fault:
    """A rule from JSON.

    Raises:
        ValueError: what is wrong with it.
    """
    if type(rule) is not dict:
        raise ValueError(f"{name} isn't an object")
    on, do = rule.get("on"), rule.get("do")
    if on not in get_args(On):
        raise ValueError(f"{name}: 'on' is one of {', '.join(get_args(On))}, not {on!r}")
    if do not in _EVERYWHERE and do not in _ONLY:
        raise ValueError(f"{name}: 'do' is one of {', '.join([*sorted(_EVERYWHERE), *_ONLY])}, not {do!r}")
    if do in _ONLY and on not in _ONLY[do]:
        raise ValueError(f"{name}: '{do}' happens on {' or '.join(sorted(_ONLY[do]))}, not on {on}")
    allowed = {"on", "do", "provider", "model", "prompt", "after", "times"} | _TAKES.get(do, frozenset())
    for key, value in rule.items():
        if key not in allowed:
            raise ValueError(f"{name}: '{do}' takes no '{key}'; it takes {', '.join(sorted(allowed))}")
        problem = _problem(key, value)
        if problem:
            raise ValueError(f"{name}: '{key}' {problem}, not {value!r}")
    if do in _NEEDS and _NEEDS[do] not in rule:
        raise ValueError(f"{name}: '{do}' needs '{_NEEDS[do]}'")
    return Fault(**rule)


def _problem(key: str, value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    match key:
        case "after" | "times" | "retry_after":
            return "" if whole and value >= 0 else "is a whole number, 0 or more"
        case "status":
            return "" if whole and 200 <= value <= 599 else "is an HTTP status from 200 to 599"
        case "seconds":
            return "" if (whole or isinstance(value, float)) and value >= 0 else "is a number of seconds"
        case "accepted":
            return "" if isinstance(value, bool) else "is true or false"
        case "code":
            return "" if whole or isinstance(value, str) else "is a number or a text"
        case "price":
            return "" if isinstance(value, str) and _is_amount(value) else 'is dollars as text, such as "0.35"'
        case "headers":
            texts = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
            return "" if texts else "is an object of texts"
        case "body":
            return ""
        case _:
            return "" if isinstance(value, str) else "is a text"


def _is_amount(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and (not fraction or fraction.isdecimal())
