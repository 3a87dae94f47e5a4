"""Rules about what stands in a decision table and means something else in FEEL: it is read without a complaint, and
whoever knows FEEL would be surprised when a case comes by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from lxml import etree

from engine.flow.diagram import local
from engine.flow.dialect import EXPRESSION_LENGTH, Token, normal, tokens
from engine.flow.draft import Draft
from engine.flow.faults import Fault
from engine.flow.rules.phrases import short
from engine.flow.scripts import ScriptError
from engine.flow.xml import parse_xml

_JOINS = ("or", "and", "||", "&&")
_BEFORE_A_LIST = frozenset({"in", "and", "or", "not", "if", "then", "else", "return", "satisfies", "between"})
_OPENS, _CLOSES = ("(", "[", "{"), (")", "]", "}")
_PATTERN = re.compile(r"[\\^$.|?*+()\[\]{}]")


def feel(draft: Draft) -> Iterator[Fault]:
    for file in sorted(set(draft.decision_files.values())):
        for written in parse_xml(draft.files[file], file).iter("{*}text"):
            holder = written.getparent()
            try:
                text = normal((written.text or "").strip(), EXPRESSION_LENGTH)
                found = list(tokens(text))
            except ScriptError:
                continue  # of a description; elsewhere it is told already
            place = (file, written.sourceline or 1, holder.get("id"), "feel-differs")
            if local(holder) == "inputEntry" and (join := _alternatives(found)):
                yield Fault(*place, f"Write commas between the values in {short(text)} if any of them will do: "
                            f"'{join}' joins what is true or false.")
            if "juel" not in _language(holder) and _position(found):
                yield Fault(*place, f"Check {short(text)}: items of a list are counted from 0 here, and from 1 in "
                            "FEEL.", "warning")
            for name in _patterns(found):
                yield Fault(*place, f"Check {name}(…) in {short(text)}: it looks for the text as it is written, not "
                            "for a pattern as in FEEL.", "warning")


def _language(holder: etree._Element) -> str:
    return (holder.get("expressionLanguage") or "feel").lower()


def _alternatives(found: Sequence[Token]) -> str | None:
    """What joins the values in `"a" or "b"`: the engine would take one of them."""
    for place, (one, join, other) in enumerate(zip(found, found[1:], found[2:], strict=False)):
        begins = place == 0 or found[place - 1].text in (",", "(", *_JOINS)
        if begins and one.kind == other.kind == "text" and join.text in _JOINS:
            return join.text
    return None


def _position(found: Sequence[Token]) -> bool:
    """`a[1]`, `a.b[-1]`."""
    for place, token in enumerate(found):
        before = found[place - 1] if place else None
        if token.text != "[" or before is None or before.kind != "word" and before.text not in ("]", ")"):
            continue
        inside = [one for one in takewhile(lambda one: one.text != "]", found[place + 1 :]) if one.text != "-"]
        if before.text not in _BEFORE_A_LIST and len(inside) == 1 and inside[0].kind == "number":
            return True
    return False


def _patterns(found: Sequence[Token]) -> Iterator[str]:
    """`replace` and `split`, where what they look for would be a pattern."""
    for place, token in enumerate(found[:-1]):
        if token.text in ("replace", "split") and found[place + 1].text == "(":
            looked_for = _second(found[place + 2 :])
            if looked_for is not None and looked_for.kind == "text" and _PATTERN.search(looked_for.text[1:-1]):
                yield token.text


def _second(found: Sequence[Token]) -> Token | None:
    """With what the second argument begins of a call whose brackets have just been opened."""
    depth = 0
    for token, after in pairwise(found):
        if token.text == "," and not depth:
            return after
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth < 0:
            break
    return None
