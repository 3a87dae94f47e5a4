"""What the fields beside a diagram offer to choose from, as the rest of its package says: lists of (value, words)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine import directory
from engine.flow.draft import PROVINCE, TYPE
from engine.flow.draft import Draft as Content
from engine.runtime import Unit
from engine.terms.term import Term
from engine.versions.drafts import Draft
from webapi.ui.history import length
from webapi.ui.words import in_language

Choices = list[tuple[str, str]]


def of(unit: Unit, draft: Draft) -> dict[str, Choices]:
    content = Content.read(draft.files)
    texts = {**content.table(PROVINCE, "texts"), **content.table(TYPE, "texts")}
    return {
        "groups": [*_lanes(content), *_agencies(unit, str(content.province.get("code", "")))],
        "forms": _itself(content.forms), "decisions": _itself(content.decisions),
        "processes": _itself(content.processes),
        "terms": [(key, _term(one) or key) for key, one in content.table(TYPE, "deadlines").items()],
        "statuses": [(key, in_language(one, key)) for key, one in content.table(TYPE, "statuses").items()],
        "outcomes": [(key, in_language(one, key)) for key, one in content.table(TYPE, "outcomes").items()],
        "texts": [(key, _said(key, one, "sms")) for key, one in texts.items()],
    }  # fmt: skip


def _lanes(content: Content) -> Choices:
    """The agencies that a case finds by its data, by the name of their lane: ${lead_agency}."""
    return [(str(who), lane) for lane, who in content.table(TYPE, "lanes").items() if str(who).startswith("${")]


def _agencies(unit: Unit, province: str) -> Choices:
    return [(one.key, one.name) for one in directory.list_agencies(unit, province) if one.kind != "overseer"]


def _itself(names: Iterable[str]) -> Choices:
    return [(one, one) for one in sorted(names)]


def _said(key: str, table: Any, what: str) -> str:
    said = str(table.get(what, "")) if isinstance(table, Mapping) else ""
    return said[:70] or key


def _term(table: Any) -> str:
    """How long, in words, and by which calendar where it is not round the clock: 30 phút; 3 ngày · hanh_chinh."""
    try:
        term = Term.parse(table["term"])
    except (KeyError, TypeError, ValueError):  # the gate says what is wrong with it
        return ""
    words, calendar = length(term.words()), table.get("calendar", "24/7")
    return words if calendar == "24/7" else f"{words} · {calendar}"
