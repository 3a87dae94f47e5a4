"""A diagram to look at, with its names in the language of whoever looks. Analysts edit and compare what was drawn."""

from __future__ import annotations

from flask import Response
from lxml import etree

from engine.flow.xml import parse_xml
from engine.packages import Package
from webapi.ui.words import language, step

LETTER = 7  # pixels, of the widest letters of a label


def of(package: Package) -> Response:
    """The process that cases start with."""
    drawing = package.diagram if language() == "vi" else _translated(package)
    return Response(drawing, mimetype="application/xml")


def _translated(package: Package) -> bytes:
    root = parse_xml(package.diagram, "diagram")
    names = {}
    for one in root.iter("{*}*"):
        if one.get("name") and one.get("id"):
            names[one.get("id")] = step(package, one.get("id"), one.get("name"))
            one.set("name", names[one.get("id")])
    for bounds in root.iterfind(".//{*}BPMNLabel/{*}Bounds"):
        _widen(bounds, names.get(bounds.getparent().getparent().get("bpmnElement"), ""))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _widen(bounds: etree._Element, name: str) -> None:
    """The place that was left for a Vietnamese name, at least as wide as a word of the English: it would be broken."""
    more = max(LETTER * len(max(name.split(), key=len, default="")) - float(bounds.get("width")), 0)
    bounds.set("width", str(float(bounds.get("width")) + more))
    bounds.set("x", str(float(bounds.get("x")) - more / 2))
