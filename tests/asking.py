"""Words for tests of forms: drawing one, and asking what it makes of answers."""

from __future__ import annotations

import json

import pytest

from engine.errors import InvalidAnswers
from engine.forms import Form

DUNG_SAI = [{"label": "Đúng", "value": "dung"}, {"label": "Sai", "value": "sai"}]


def draw(*components, **more):
    return Form.parse(json.dumps({"type": "default", "id": "phieu", "components": components} | more), "phieu.form")


def asks(kind, key="x", **more):
    """A component that asks something; `validate` is written as **more of its own."""
    rules = {name: more.pop(name) for name in list(more) if name in RULES}
    return {"type": kind, "key": key, "label": f"Mục {key}", "validate": rules} | more


def hides(kind, key, condition, **more):
    return asks(kind, key, **more) | {"conditional": {"hide": condition}}


RULES = {"required", "min", "max", "minLength", "maxLength", "pattern", "patternErrorMessage", "validationType"}


def faults(form, answers, **more):
    with pytest.raises(InvalidAnswers) as refusal:
        form.check(answers, **more)
    return refusal.value.facts["errors"]


def fault(component, value):
    return faults(draw(component), {component["key"]: value})[component["key"]]


def kept(component, value):
    return draw(component).check({component["key"]: value})[component["key"]]


def refused(*components, **more):
    with pytest.raises(ValueError, match="^Form 'phieu.form': ") as refusal:
        draw(*components, **more)
    return str(refusal.value)
