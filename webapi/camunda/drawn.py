"""What a version's diagrams say that only Camunda's clients ask for: the types of their elements, and of a process its
tag, what it says of itself and how long its history is to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from engine.flow.diagram import BPMN, CAMUNDA, EVENTS, FLOW_NODES, local
from engine.flow.xml import parse_xml
from engine.packages import Package

# Camunda 7, org.camunda.bpm.engine.ActivityTypes: event -> kind of its definition -> type; "" where it has none.
_TYPES = {
    "startEvent": {"": "startEvent", "timer": "startTimerEvent", "message": "messageStartEvent",
                   "signal": "signalStartEvent", "error": "errorStartEvent", "escalation": "escalationStartEvent",
                   "compensate": "compensationStartEvent", "conditional": "conditionalStartEvent"},
    "endEvent": {"": "noneEndEvent", "message": "messageEndEvent", "signal": "signalEndEvent",
                 "error": "errorEndEvent", "escalation": "escalationEndEvent", "compensate": "compensationEndEvent",
                 "terminate": "terminateEndEvent", "cancel": "cancelEndEvent"},
    "intermediateCatchEvent": {"timer": "intermediateTimer", "message": "intermediateMessageCatch",
                               "signal": "intermediateSignalCatch", "link": "intermediateLinkCatch",
                               "conditional": "intermediateConditional"},
    "intermediateThrowEvent": {"": "intermediateNoneThrowEvent", "message": "intermediateMessageThrowEvent",
                               "signal": "intermediateSignalThrow", "compensate": "intermediateCompensationThrowEvent",
                               "escalation": "intermediateEscalationThrowEvent"},
    "boundaryEvent": {"timer": "boundaryTimer", "message": "boundaryMessage", "signal": "boundarySignal",
                      "error": "boundaryError", "escalation": "boundaryEscalation", "cancel": "cancelBoundaryCatch",
                      "compensate": "compensationBoundaryCatch", "conditional": "boundaryConditional"},
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One file.

    Attributes:
        types: of its elements, as Camunda calls them, by id.
        gateways: by the id of an event that races, the event-based gateway before it.
        processes: what each says of itself, by id.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    gateways: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """Attributes:
    days: its history is to be kept; a number, as Camunda's clients read it. What is kept how long here, the province
        decides (docs/configuration.md).
    """

    tag: str | None = None
    description: str | None = None
    days: int | None = None


def types(package: Package) -> dict[str, str]:
    return {element: kind for one in _files(package) for element, kind in one.types.items()}


def gateways(package: Package) -> dict[str, str]:
    return {element: gateway for one in _files(package) for element, gateway in one.gateways.items()}


def said(package: Package) -> Said:
    """Of the process its cases begin with."""
    return next(one.processes[process] for process in [str(package.type["process"])] for one in _files(package)
                if process in one.processes)  # fmt: skip


def _files(package: Package) -> list[Drawn]:
    return [_read(text, name) for name, text in package.files.items() if name.endswith(".bpmn")]


@lru_cache(maxsize=128)
def _read(text: str, name: str) -> Drawn:
    """A version's text never changes: it is read once."""
    root = parse_xml(text, name)
    types = {str(one.get("id")): _type(one) for one in root.iter(f"{BPMN}*") if local(one) in FLOW_NODES}
    raced = {str(one.get("targetRef")): str(one.get("sourceRef")) for one in root.iter(f"{BPMN}sequenceFlow")
             if types.get(str(one.get("sourceRef"))) == "eventBasedGateway"}  # fmt: skip
    return Drawn(types, raced, {str(one.get("id")): _said(one) for one in root.iter(f"{BPMN}process")})


def _type(element: etree._Element) -> str:
    kind = local(element)
    if kind not in EVENTS:
        return kind
    defined = [local(one).removesuffix("EventDefinition") for one in element if "EventDefinition" in local(one)]
    return _TYPES[kind].get(defined[0] if defined else "", kind)


def _said(process: etree._Element) -> Said:
    about = process.findtext(f"{BPMN}documentation")
    return Said(process.get(f"{CAMUNDA}versionTag") or None, (about or "").strip() or None,
                _days(process.get(f"{CAMUNDA}historyTimeToLive")))  # fmt: skip


def _days(written: str | None) -> int | None:
    """``30`` or ``P30D``, the two ways Camunda reads; nothing of anything else, which stands in nobody's way here."""
    text = (written or "").removeprefix("P").removesuffix("D")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
