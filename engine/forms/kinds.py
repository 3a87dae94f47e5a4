"""Which answer each kind of question takes."""

from __future__ import annotations

from collections.abc import Callable

from engine.forms.answers import Answer, Checkbox, Files, Items, Moment, Number, Text
from engine.forms.choices import Choice, Selection
from engine.forms.field import Field

KINDS: dict[str, Callable[[Field], Answer]] = {
    "textfield": Text, "textarea": Text, "number": Number, "checkbox": Checkbox, "date": Moment, "time": Moment,
    "datetime": Moment, "radio": Choice, "select": Choice, "checklist": Selection, "taglist": Selection,
    "filepicker": Files, "list": Items,
}  # fmt: skip
