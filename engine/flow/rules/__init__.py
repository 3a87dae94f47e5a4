"""The rules of the gate, each a function from a `Draft` to its faults."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.draft import Draft
from engine.flow.faults import Fault
from engine.flow.rules.codes import CODES
from engine.flow.rules.correspondence import correspondence
from engine.flow.rules.elements import elements
from engine.flow.rules.events import events
from engine.flow.rules.expressions import expressions
from engine.flow.rules.feel import feel
from engine.flow.rules.gaps import ended, gaps, overlaps
from engine.flow.rules.gateways import gateways
from engine.flow.rules.handlers import handlers
from engine.flow.rules.outcomes import outcomes
from engine.flow.rules.people import people
from engine.flow.rules.promises import promises
from engine.flow.rules.questions import questions
from engine.flow.rules.routes import routes
from engine.flow.rules.services import services
from engine.flow.rules.several import several
from engine.flow.rules.shape import shape
from engine.flow.rules.tables import tables
from engine.flow.rules.told import told
from engine.flow.rules.wording import wording

__all__ = ["CODES", "judge"]

STRUCTURE = (shape, elements, handlers, several, events)
CONTENT = (
    gateways, services, correspondence, expressions, people, questions, wording, told, outcomes, ended, feel, gaps,
    overlaps, tables, promises,
)  # fmt: skip
_PLAYABLE = frozenset({"listener", "connector", "mapping-ignored"})  # errors that leave the token game its sense


def judge(draft: Draft) -> Iterator[Fault]:
    """Every fault of a package, by every rule."""
    yield from draft.faults
    structural = [fault for rule in STRUCTURE for fault in rule(draft)]
    yield from structural
    for rule in CONTENT:
        yield from rule(draft)
    broken = {fault.file for fault in structural if fault.severity == "error" and fault.code not in _PLAYABLE}
    yield from routes(draft, broken)
