"""How each shot of each pass stands: rendered as the storyboard is today, or not, and what people said of it."""

from typing import Any, NamedTuple

from storyboard import money
from storyboard.compiler import Project
from storyboard.lock import Entry
from storyboard.plan import Step
from storyboard.store import Record


class Standing(NamedTuple):
    """How one shot of one pass stands.

    Attributes:
        word: For a cell of a table.
        state: Without approvals: current, accepted, stale, missing, bought, held, blocked, skipped, clip.
        why: Of what is not as it should be, in words.
    """

    word: str
    state: str
    why: str
    step: Step
    entry: Entry | None

    def as_json(self) -> dict[str, Any]:
        """The object in `details`."""
        approval = self.entry.approved if self.entry else None
        cost = money.usd(self.step.cost) if self.state in {"stale", "missing"} else "0.00"
        return {
            "state": self.state,
            "reasons": list(self.step.reasons),
            "key": self.step.key,
            "clip": self.entry.clip if self.entry else None,
            "cost": cost,
            "approval": approval and {"outdated": self.word != "approved", **approval._asdict()},
        }


def standing(project: Project, step: Step) -> Standing:
    """How a step's shot stands, by the plan, the lock and the store."""
    one = project.lock.get(step.shot, step.pass_id)
    has_clip = step.state == "cached"
    state = {"cached": "current", "resume": "bought"}.get(step.state, step.state)
    if step.state == "submit":
        state = "stale" if one and isinstance(project.store.find(one.key), Record) else "missing"
    if has_clip and one and one.accepted and one.key == step.key:
        state = "accepted"
    shown = step.record.outputs["clip"].sha256 if step.record else one.clip if one and one.key == step.key else ""
    word, why = state, ""
    if one and one.approved and step.state not in {"skipped", "clip"}:
        holds = (one.approved.clip, one.approved.key) == (shown, step.key)
        word = "approved" if holds else "outdated"
    if state in {"stale", "held", "blocked", "accepted"}:
        reasons = "; ".join([change.brief for change in step.changes] or step.reasons)
        why = reasons if state == "accepted" else f"{state}: {reasons}"
    elif word == "approved" and not has_clip:
        why = "approved, and its clip isn't here: 'storyboard cache pull' fetches what others have"
    elif word == "outdated":
        why = f"{state}, and what {one.approved.by if one and one.approved else ''} approved was another clip"
    return Standing(word, state, why, step, one)
