"""BPMN's elements, one by one: what docs/elements.md says of each is what the check says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.flow.check import check
from tests.broken import SIMPLE, SUB, around
from tests.drawing import draw, package

INSIDE = "{ ; start s1 ; user v ; end e1 ; s1 -> v -> e1 ; }"


def drawn(kind: str) -> str:
    return around(f"user q ; {kind}", "q -> a")


def handler(start: str) -> str:
    return SIMPLE + f" ; sub h handler {{ ; start hs {start} ; user hv ; tell ht ; end he ; hs -> hv -> ht -> he ; }}"


def added(xml: str, before: str = "<bpmn:startEvent") -> tuple[str, str]:
    return before, xml + before


CAUGHT = {"timer=PT1H": [], "message=m": [], "conditional=area": [], "compensate": ["event-not-here"],
          "cancel": ["event-not-here"]}  # fmt: skip
COLLABORATION = "<bpmn:process"
# element: (a drawing, codes of the check, what is put into its XML)
ELEMENTS: dict[str, tuple[str, list[str], tuple[str, str]]] = {
    "none start event": (SIMPLE, [], ("", "")),
    "message start event": (SIMPLE.replace("start s", "start s message=m"), [], ("", "")),
    **{
        f"{kind.partition('=')[0]} start event": (
            SIMPLE.replace("start s", f"start s {kind}"), ["event-not-here"], ("", "")
        )
        for kind in ("timer=PT1H", "signal=S", "conditional", "error=E", "escalation=E", "compensate")
    },
    "user task": (SIMPLE, [], ("", "")),
    "abstract task": (drawn("task a"), ["task-abstract"], ("", "")),
    "manual task": (drawn("manual a"), ["task-manual"], ("", "")),
    "receive task": (drawn("receive a message=m"), [], ("", "")),
    "script task": (drawn("script a script='x = 1'"), [], ("", "")),
    "service task": (drawn("service a topic=x"), [], ("", "")),
    "send task": (SIMPLE, [], ("", "")),
    "embedded subprocess": (around(f"sub a {INSIDE}", "a"), [], ("", "")),
    "transaction": (drawn(f"transaction a {INSIDE}"), ["transaction"], ("", "")),
    "ad-hoc subprocess": (drawn(f"adhoc a {INSIDE}"), ["ad-hoc"], ("", "")),
    "complex gateway": (drawn("complex a"), ["gateway-complex"], ("", "")),
    "compensate intermediate throw event": (drawn("throw a compensate"), ["event-not-here"], ("", "")),
    **{
        f"{kind.partition('=')[0]} {where}": (drawing, codes, ("", ""))
        for kind, codes in CAUGHT.items()
        for where, drawing in (
            ("intermediate catch event", drawn(f"catch a {kind}")),
            ("boundary event", SIMPLE + f" ; boundary b on=a {kind} ; b -> t"),
            ("event subprocess", handler(kind)),
        )
    },
    **{
        f"{what} with a {how.partition('=')[0]}": (drawing, [], ("", ""))
        for how, what, drawing in (
            ("key=K", "message intermediate throw event", drawn("throw a message=m key=K")),
            ("key=K", "message end event", SIMPLE.replace("end e", "end e message=m key=K")),
            ("key=K", "message send task", drawn("send a message=m key=K")),
            ("key=K", "message receive task", drawn("receive a message=m key=K")),
            ("scope=province", "signal intermediate throw event", drawn("throw a signal=x scope=province")),
            ("scope=province", "signal end event", SIMPLE.replace("end e", "end e signal=x scope=province")),
            ("scope=province", "signal intermediate catch event", drawn("catch a signal=x scope=province")),
            ("scope=province", "signal boundary event", SIMPLE + " ; boundary b on=a signal=x scope=province ; b -> t"),
            ("scope=province", "signal event subprocess", handler("signal=x scope=province")),
        )
    },
    "none end event": (SIMPLE, [], ("", "")),
    "terminate end event": (SIMPLE.replace("end e", "end e terminate"), [], ("", "")),
    **{
        f"{kind} end event": (SIMPLE.replace("end e", f"end e {kind}"), ["event-not-here"], ("", ""))
        for kind in ("conditional", "compensate", "cancel")
    },
    "data object": (SIMPLE, ["data-ignored"], added('<bpmn:dataObject id="d"/>')),
    "data object in a subprocess": (
        around(f"sub a {INSIDE}", "a"),
        ["data-ignored"],
        added('<bpmn:dataObject id="d"/>', '<bpmn:startEvent id="s1"'),
    ),
    "property of a task": (around("user a xml='<bpmn:property id=\"p\"/>'", "a"), ["data-ignored"], ("", "")),
    "property": (SIMPLE, ["data-ignored"], added('<bpmn:property id="d"/>')),
    "input/output specification": (SIMPLE, ["data-ignored"], added("<bpmn:ioSpecification/>")),
    "text annotation": (SIMPLE, [], added('<bpmn:textAnnotation id="n"/>')),
    "group": (SIMPLE, [], added('<bpmn:group id="g"/>')),
    "auditing": (SIMPLE, [], added('<bpmn:auditing id="g"/>')),
    "monitoring": (SIMPLE, [], added('<bpmn:monitoring id="g"/>')),
    "performer": (SIMPLE, ["performer"], added('<bpmn:performer id="p"/>')),
    "correlation subscription": (SIMPLE, ["element-unknown"], added('<bpmn:correlationSubscription id="k"/>')),
    "correlation property": (
        SIMPLE, ["element-unknown"], added('<bpmn:correlationProperty id="k" name="k"/>', COLLABORATION)
    ),
    "correlation key": (
        SIMPLE,
        ["element-unknown"],
        added('<bpmn:collaboration id="c"><bpmn:correlationKey id="k"/></bpmn:collaboration>', COLLABORATION),
    ),
    "choreography": (SIMPLE, ["element-unknown"], added('<bpmn:choreography id="k"/>', COLLABORATION)),
    "global task": (SIMPLE, ["element-unknown"], added('<bpmn:globalTask id="k"/>', COLLABORATION)),
    "error end event, uncaught": (SIMPLE.replace("end e", "end e error=E"), ["error-uncaught"], ("", "")),
    "error boundary event": (
        around(SUB.replace("end e1", "end e1 error=E") + " ; boundary b on=box error=E ; user a", "box")
        + " ; b -> a -> t",
        [],
        ("", ""),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTS)
def test_the_check_says_of_an_element_what_the_manual_says(name: str):
    drawing, codes, (old, new) = ELEMENTS[name]
    xml = draw(drawing)

    assert [fault.code for fault in check(package(xml.replace(old, new, 1) if old else xml))] == codes
    assert row(name, codes) in manual()


def test_the_manual_speaks_of_no_element_that_is_not_tried():
    assert sorted(manual()) == sorted(row(name, codes) for name, (_, codes, _) in ELEMENTS.items())


def row(name: str, codes: list[str]) -> str:
    if not codes:
        return f"| {name} | let in |"
    return f"| {name} | {'told' if codes == ['data-ignored'] else 'refused'}: `{codes[0]}` |"


def manual() -> list[str]:
    text = (Path(__file__).parent.parent / "docs" / "elements.md").read_text(encoding="utf-8")
    listed = text.partition("## One by one")[2]
    return [line for line in listed.splitlines() if line.startswith("| ") and not line.startswith("| element")]
