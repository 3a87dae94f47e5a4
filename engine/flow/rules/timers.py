"""Rules about the times written into timers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from engine.flow.diagram import Event, Node
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.phrases import lower, short
from engine.flow.scripts import ScriptError, compile_expression, strip_expression
from engine.terms.calendar import Term

_CYCLE = re.compile(r"R(\d{0,4})/(P.+)")
_CYCLES = "a cycle is written like R3/PT10M: how often, and after how long each time."
_EXAMPLES = 'PT5H, R3/PT10M, 2021-09-03T17:00+07:00 or due("case")'


def times(node: Node, event: Event) -> Iterator[str | Fault]:
    """What is wrong with a timer; an expression that can only be judged together with others comes out as it is."""
    value = event.value or ""
    what = f"the timer of {node.label}"
    if not value or event.times != 1:
        asked = "a time" if not value else "one time only"
        yield error(node, "timer-missing", f"Give {node.label} {asked}: write it like {_EXAMPLES}.")
        return
    try:
        source = strip_expression(value)
        if source is None and _is_expression(value):
            source = value
        if source is not None:
            constant = compile_expression(source)
            if constant.names or constant.calls:
                yield source
                return
            value = constant.evaluate({})
    except ScriptError as fault:
        yield error(node, "expression", f"Correct {what}, {short(value)}: {lower(str(fault))}")
        return
    if reason := _wrong(event.timer or "", value):
        yield error(node, "timer-invalid", f"Correct {what}, {short(str(value))}: {reason}")
    elif isinstance(value, str) and value.startswith("R"):
        yield from _repeating(node, value)


def _is_expression(value: str) -> bool:
    """As the engine tells them apart: what looks like ISO 8601 is a value."""
    return not (value[:1] == "P" or value.startswith("R") and "/" in value or value[:1].isdigit())


def _wrong(kind: str, value: object) -> str:
    """What is wrong with a time that is written out; ``""`` if nothing is."""
    if not isinstance(value, str):
        return f"write it like {_EXAMPLES}."
    cycle = _CYCLE.fullmatch(value)
    looks = "cycle" if value.startswith("R") else "duration" if value.startswith("P") else "date"
    if kind == "cycle" and " " in value:
        return _CYCLES  # Camunda takes cron, too
    if looks != kind:
        return f"it is a {looks}; choose {looks!r} instead of {kind!r} in the modeler."
    try:
        if looks == "cycle" and cycle is None:
            return _CYCLES
        if looks == "date":
            datetime.fromisoformat(value)
            return ""
        term = Term.parse(cycle[2] if cycle else value)
        if cycle and timedelta(days=term.months * 30 + term.weeks * 7 + term.days, seconds=term.seconds) \
                < timedelta(minutes=1):
            return "it would repeat more often than once a minute."
    except ValueError as fault:
        return f"write it like {_EXAMPLES}." if looks == "date" else lower(str(fault))
    return ""


def _repeating(node: Node, value: str) -> Iterator[Fault]:
    handler = node.scope.host
    begins = node.kind == "startEvent" and handler is not None and handler.is_handler
    if not (begins or node.kind == "boundaryEvent") or node.interrupting:
        yield warning(node, "timer-cycle-once", f"Write the timer of {node.label} as a duration: {value} fires there "
                      "once, after its first period.")
    elif value.startswith(("R/", "R0/")):
        yield warning(node, "timer-unbounded", f"Say how often the timer of {node.label} may fire, such as "
                      f"R10{value[1:]}: it repeats for as long as what it guards is open." if value[1] == "/" else
                      f"Say how often the timer of {node.label} may fire: {value} says never.")
