"""The reports that a province sends by the clock: ``[[reports]]`` of province.toml (`engine.statistics.periodic`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

KEYS = frozenset({"key", "name", "types", "every", "at", "to", "channel", "text"})
WORDS = frozenset({"ky", "n", "x", "d", "k"})
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PLACES = re.compile(r"\{([^{}]*)\}")


def faults(reports: Any, agencies: set[str]) -> Iterator[str]:
    """What is wrong, each with what to write instead."""
    if not isinstance(reports, list) or not all(isinstance(one, Mapping) for one in reports):
        yield "Make reports a list of tables: [[reports]]."
        return
    keys = [one.get("key") for one in reports]
    for one in reports:
        name = repr(one.get("key"))
        if set(one) != KEYS:
            yield f"Write {', '.join(sorted(KEYS))}, each once and nothing else, for the report {name}."
            continue
        if keys.count(one["key"]) > 1:
            yield f"Give one of the two reports {name} another key."
        yield from (f"The report {name}: {said}" for fits, said in _rules(agencies) if not fits(one))


def _rules(agencies: set[str]) -> list[tuple[Callable[[Mapping[str, Any]], bool], str]]:
    return [
        (lambda it: all(isinstance(it[key], str) and it[key] for key in ("key", "name", "text")),
         "write key, name and text as texts."),
        (lambda it: it["every"] in ("week", "month"), 'write every = "week" or "month".'),
        (lambda it: CLOCK.fullmatch(str(it["at"])) is not None, 'write a time of day such as "08:00" as at.'),
        (lambda it: it["channel"] in ("email", "sms"), 'write channel = "email" or "sms".'),
        (lambda it: _texts(it["types"]), 'write the codes of report types: types = ["CUTRI"].'),
        (lambda it: _texts(it["to"]) and set(it["to"]) <= agencies, "write agencies of this province.toml as to."),
        (lambda it: _places(it["text"]) <= WORDS, f"only {', '.join(sorted(WORDS))} may stand in braces in its text."),
    ]  # fmt: skip


def _places(text: Any) -> set[str]:
    rest = _PLACES.sub("", str(text))
    return set(_PLACES.findall(str(text))) | ({rest} if "{" in rest or "}" in rest else set())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
