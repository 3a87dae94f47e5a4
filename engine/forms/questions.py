"""Reading one component of a form-js file that asks something: its attributes, each checked for its type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.forms.field import CHOICES, MOMENTS, SELECTIONS, TEXTS, Field, Option
from engine.forms.moments import TIME_FORMS

_MOST_OPTIONS = 1_000
_ACCEPTED = re.compile(r"\.[\w-]+|[\w-]+/(?:\*|[\w.+-]+)", re.ASCII)


def question(component: dict[str, Any], name: str, key: str) -> Field:
    """Args: name: its id. key: where its answer goes, with the names of the groups around it."""
    kind = component["type"]
    rules = component.get("validate") or {}
    if not isinstance(rules, dict):
        raise ValueError(f"'validate' of '{key}' must be a group of rules.")
    facts: dict[str, Any] = {
        "id": name,
        "key": key,
        "label": label_of(component, key),
        "description": _plain(component.get("description")),
        "kind": kind,
        "required": rules.get("required") is True,
        "default": component.get("defaultValue"),
        "readonly": True if component.get("disabled") is True else component.get("readonly") or False,
        "hidden_when": condition_of(component, name),
        "personal": _is_personal(component, rules, key),
    }
    for read_facts in (_text_facts, _number_facts, _choice_facts, _moment_facts, _other_facts):
        facts |= read_facts(component, rules, key)
    return Field(**facts)


def _is_personal(component: dict[str, Any], rules: dict[str, Any], key: str) -> bool:
    properties = component.get("properties") or {}
    said = properties.get("personal", "false") if isinstance(properties, dict) else None
    if str(said).lower() not in ("true", "false"):
        raise ValueError(f"The property 'personal' of '{key}' must be true or false.")
    return str(said).lower() == "true" or rules.get("validationType") in ("email", "phone")


def _text_facts(component: dict[str, Any], rules: dict[str, Any], key: str) -> dict[str, Any]:
    if component["type"] not in TEXTS:
        return {}
    known = rules.get("validationType") or ""
    if known not in ("", "email", "phone", "custom"):
        raise ValueError(f"The validation type '{known}' of '{key}' is not known: use email or phone.")
    return {
        "min_length": _limit(rules, "minLength", key, whole=True),
        "max_length": _limit(rules, "maxLength", key, whole=True),
        "pattern": _string(rules, "pattern", key),
        "pattern_message": _string(rules, "patternErrorMessage", key),
        "format": known if known in ("email", "phone") else "",
    }


def _number_facts(component: dict[str, Any], rules: dict[str, Any], key: str) -> dict[str, Any]:
    if component["type"] != "number":
        return {}
    digits, step = component.get("decimalDigits"), component.get("increment")
    if digits is not None and (type(digits) is not int or not 0 <= digits <= 15):
        raise ValueError(f"'decimalDigits' of '{key}' must be a whole number from 0 to 15.")
    if step not in (None, "") and not _positive(step):
        raise ValueError(f"'increment' of '{key}' must be a number greater than 0.")
    return {
        "minimum": _limit(rules, "min", key),
        "maximum": _limit(rules, "max", key),
        "digits": digits,
        "step": None if step in (None, "") else step,
        "as_text": component.get("serializeToString") is True,
    }


def _choice_facts(component: dict[str, Any], rules: dict[str, Any], key: str) -> dict[str, Any]:
    if component["type"] not in CHOICES | SELECTIONS:
        return {}
    source = component.get("valuesExpression") or component.get("valuesKey")
    if source:
        if not isinstance(source, str):
            raise ValueError(f"Where the options of '{key}' come from must be written as text.")
        return {"options_from": source}
    options = tuple(_options(component.get("values"), key))
    if not 0 < len(options) <= _MOST_OPTIONS:
        raise ValueError(f"'{key}' offers {len(options)} options; it needs 1 to {_MOST_OPTIONS}.")
    return {"options": options}


def _options(values: Any, key: str) -> Iterator[Option]:
    seen: set[tuple[type, Any]] = set()
    for value in values if isinstance(values, list) else []:
        label = None
        if isinstance(value, dict):
            label, value = value.get("label"), value.get("value")
        if type(value) not in (str, int, float, bool) or value == "":
            raise ValueError(f"An option of '{key}' has no value, or one that is neither text, number nor true/false.")
        if (type(value), value) in seen:
            raise ValueError(f"Two options of '{key}' have the value {value!r}.")
        seen.add((type(value), value))
        yield Option(value, label if isinstance(label, str) and label else str(value))


def _moment_facts(component: dict[str, Any], rules: dict[str, Any], key: str) -> dict[str, Any]:
    if component["type"] != "datetime":
        return {}
    kind, times = component.get("subtype", "date"), component.get("timeSerializingFormat", "utc_offset")
    if kind not in MOMENTS or times not in TIME_FORMS:
        raise ValueError(f"'{key}' must be a date, time or datetime, kept in one of the formats {sorted(TIME_FORMS)}.")
    return {"kind": kind, "times": times, "past": component.get("disallowPassedDates") is not True}


def _other_facts(component: dict[str, Any], rules: dict[str, Any], key: str) -> dict[str, Any]:
    if component["type"] == "filepicker":
        multiple = component.get("multiple") in (True, "true", "=true")
        return {"multiple": multiple, "accept": tuple(_accepted(_string(component, "accept", key), key))}
    if component["type"] == "expression":
        return {"expression": _string(component, "expression", key), "readonly": True, "required": False}
    return {}


def _accepted(written: str, key: str) -> Iterator[str]:
    """As the browser's own ``accept``."""
    for one in filter(None, (part.strip().lower() for part in written.split(","))):
        if not _ACCEPTED.fullmatch(one):
            raise ValueError(f"'accept' of '{key}' says {one!r}: write kinds of files like image/*, application/pdf "
                             "or .docx, parted by commas.")  # fmt: skip
        yield one


def _limit(rules: dict[str, Any], name: str, key: str, whole: bool = False) -> int | float | str | None:
    limit = rules.get(name)
    if limit is None or limit == "" or isinstance(limit, str) and limit.startswith("="):
        return limit or None
    if isinstance(limit, str):
        try:
            limit = float(limit) if "." in limit else int(limit)
        except ValueError:
            limit = None
    if type(limit) not in (int, float) or abs(limit) > 1e15 or whole and (type(limit) is not int or limit < 0):
        raise ValueError(f"'{name}' of '{key}' must be a {'whole ' if whole else ''}number or an expression.")
    return limit


def _string(rules: dict[str, Any], name: str, key: str) -> str:
    value = rules.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"'{name}' of '{key}' must be text.")
    return value or ""


def _positive(step: Any) -> bool:
    try:
        return not isinstance(step, bool) and 0 < float(step) < 1e15
    except (TypeError, ValueError):
        return False


def label_of(component: dict[str, Any], key: str) -> str:
    return _plain(component.get("label") or component.get("dateLabel") or component.get("timeLabel")) or key


def _plain(text: Any) -> str:
    """A text for people; one that is computed in the browser (FEEL or a template) says nothing here."""
    if not isinstance(text, str) or text.startswith("=") or "{{" in text:
        return ""
    return text.strip()


def condition_of(component: dict[str, Any], name: str) -> str:
    conditional = component.get("conditional") or {}
    hide = conditional.get("hide") if isinstance(conditional, dict) else conditional
    if hide is not None and not isinstance(hide, str):
        raise ValueError(f"The condition that hides '{name}' must be an expression that begins with '='.")
    return hide or ""
