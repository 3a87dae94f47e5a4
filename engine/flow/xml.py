"""The first gate: text from outside becomes a tree, or is refused.

A diagram is drawn by an analyst but may be sent by anybody. So: UTF-8 only, at most 5 MB, no document type, no
entities, no processing instructions, nothing fetched from anywhere, bounded depth and number of elements. The tree
keeps `sourceline`, so that every later fault can say where it is.
"""

from __future__ import annotations

import re

from lxml import etree

MAX_BYTES = 5_000_000
MAX_DEPTH = 100
MAX_ELEMENTS = 60_000

_DECLARATION = re.compile(r"\A\s*<\?xml\s[^?]*\?>")
_PROLOG_NAMES = re.compile(r"<!(DOCTYPE|ENTITY)\b")


class XmlFault(Exception):
    """The text is not XML that we accept.

    Attributes:
        line: where, counted from 1.
        message: one sentence saying what to change.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def parse_xml(source: bytes | str, filename: str) -> etree._Element:
    """The root element of a file that came from outside.

    Raises:
        XmlFault: too big, not UTF-8, not well-formed, or using a part of XML that is refused here.
    """
    text = _text(source, filename)
    if found := _PROLOG_NAMES.search(text):
        raise XmlFault(_line(text, found.start()),
                       f"Remove the <!{found[1]} …> declaration from {filename}: diagrams may not declare entities.")
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
                             huge_tree=False, remove_comments=True, dtd_validation=False)
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise XmlFault(error.lineno or 1, f"{filename} is not well-formed XML: {_reason(error)}.") from None
    for beside in (*root.itersiblings(preceding=True), *root.itersiblings()):
        _refuse_instruction(beside, filename)
    _measure(root, filename)
    return root


def _text(source: bytes | str, filename: str) -> str:
    too_big = XmlFault(1, f"{filename} is larger than {MAX_BYTES // 1_000_000} MB: split it into called processes.")
    if len(source) > MAX_BYTES:
        raise too_big
    try:
        text = source.decode("utf-8-sig") if isinstance(source, bytes) else source.removeprefix("\ufeff")
        if len(text.encode("utf-8")) > MAX_BYTES:
            raise too_big
    except UnicodeError:
        raise XmlFault(1, f"{filename} is not UTF-8 text: save it again as UTF-8.") from None
    # the bytes are UTF-8 whatever the declaration claims; it would only contradict the parser
    return _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text, count=1)


def _measure(root: etree._Element, filename: str) -> None:
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "pi")):
        if event == "end":
            depth -= 1
            continue
        if event == "pi":
            _refuse_instruction(element, filename)
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH:
            raise XmlFault(element.sourceline or 1, f"{filename} is nested more than {MAX_DEPTH} deep: flatten it.")
        if count > MAX_ELEMENTS:
            raise XmlFault(element.sourceline or 1, f"{filename} has more than {MAX_ELEMENTS} elements: split it.")


def _refuse_instruction(found: etree._Element, filename: str) -> None:
    name = getattr(found, "target", None)
    raise XmlFault(found.sourceline or 1,
                   f"Remove the processing instruction <?{name} …?> from {filename}: it means nothing to this server.")


def _reason(error: etree.XMLSyntaxError) -> str:
    reason = (error.msg or "it cannot be read").split(", line ")[0].split(", use XML_PARSE_HUGE")[0]
    return reason.rstrip(".")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def begins_by_message(source: bytes | str, filename: str) -> bool:
    """Whether a process in a diagram has a message in its start event; ``False`` for a file that cannot be read."""
    try:
        root = parse_xml(source, filename)
    except XmlFault:
        return False
    return root.find("{*}process/{*}startEvent/{*}messageEventDefinition") is not None


def process_ids(source: bytes | str, filename: str) -> list[str]:
    """The ids of the processes in a diagram.

    Raises:
        XmlFault: it cannot be read.
    """
    root = parse_xml(source, filename)
    return [str(one.get("id")) for one in root.iterfind("{*}process") if one.get("id")]
