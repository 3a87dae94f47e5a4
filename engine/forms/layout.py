"""Reading a form-js file: which questions it asks, where their answers go, and what hides them.

Whatever the server could not honour is refused here, when the form is deployed, with a sentence for the analyst.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from engine.forms.field import CHOICES, SELECTIONS, TEXTS, Field
from engine.forms.questions import condition_of, label_of, question

_ASKING = TEXTS | CHOICES | SELECTIONS | {"number", "checkbox", "datetime", "filepicker", "expression"}
_SHOWING = frozenset(
    {"text", "html", "image", "iframe", "table", "separator", "spacer", "button", "documentPreview"}
)
_SEGMENT = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
DEEPEST_ANSWERS = 5  # dictionaries and lists inside each other, the answers themselves being the first
_MOST_COMPONENTS = 300


@dataclass(slots=True)
class Hiding:
    """A component that an expression hides, and the questions that vanish with it."""

    id: str
    condition: str
    keys: tuple[str, ...]


@dataclass(slots=True)
class Layout:
    """The questions of a form, or of the items of a list in it.

    ``level`` counts the dictionaries and lists down to the one that holds these answers.
    """

    level: int = 1
    fields: list[Field] = field(default_factory=list)
    hidings: list[Hiding] = field(default_factory=list)
    lists: dict[str, Layout] = field(default_factory=dict)

    def add(self, asked: Field) -> None:
        for other in self.fields:
            if (asked.key + ".").startswith(other.key + ".") or other.key.startswith(asked.key + "."):
                raise ValueError(f"The keys '{other.key}' and '{asked.key}' cannot both be kept: rename one.")
        if self.level + len(asked.path) - 1 + (asked.blank == []) > DEEPEST_ANSWERS:
            raise ValueError(f"The answer to '{asked.key}' would lie more than {DEEPEST_ANSWERS} levels deep.")
        self.fields.append(asked)


def read(components: Any) -> Layout:
    """Raises:
    ValueError: one sentence about the first component that cannot be used.
    """
    layout = Layout()
    _Reader().read_all(components, layout, ())
    return layout


class _Reader:
    def __init__(self) -> None:
        self.ids: set[str] = set()

    def read_all(self, components: Any, layout: Layout, prefix: tuple[str, ...]) -> None:
        if not isinstance(components, list):
            raise ValueError("'components' must be a list.")
        for number, component in enumerate(components, 1):
            if not isinstance(component, dict) or not isinstance(component.get("type"), str):
                raise ValueError(f"Component {number} has no type.")
            if len(self.ids) >= _MOST_COMPONENTS:
                raise ValueError(f"The form has more than {_MOST_COMPONENTS} components: divide it.")
            self._read(component, layout, prefix)

    def _read(self, component: dict[str, Any], layout: Layout, prefix: tuple[str, ...]) -> None:
        kind, name = component["type"], self._id(component)
        before = len(layout.fields)
        if kind == "group" or (kind == "dynamiclist" and component.get("isRepeating") is False):
            path = _path(component, "path", prefix) if component.get("path") else prefix
            self.read_all(component.get("components", []), layout, path)
        elif kind == "dynamiclist":
            self._read_list(component, name, layout, prefix)
        elif kind in _ASKING:
            layout.add(question(component, name, ".".join(_path(component, "key", prefix))))
        elif kind not in _SHOWING:
            raise ValueError(f"The component '{name}' has the type '{kind}', which this server does not know.")
        if condition := condition_of(component, name):
            keys = tuple(asked.key for asked in layout.fields[before:])
            layout.hidings.append(Hiding(name, condition, keys))
            if kind == "group":
                layout.fields[before:] = [_also_hidden(asked, condition) for asked in layout.fields[before:]]

    def _read_list(self, component: dict[str, Any], name: str, layout: Layout, prefix: tuple[str, ...]) -> None:
        path = _path(component, "path", prefix)
        key = ".".join(path)
        inner = Layout(layout.level + len(path) + 1)
        self.read_all(component.get("components", []), inner, ())
        layout.lists[key] = inner
        label, condition = label_of(component, key), condition_of(component, name)
        layout.add(Field(name, key, label, "list", fields=tuple(inner.fields), hidden_when=condition))

    def _id(self, component: dict[str, Any]) -> str:
        name = component.get("id") or component.get("key") or f"{component['type']}_{len(self.ids) + 1}"
        if not isinstance(name, str) or name in self.ids:
            raise ValueError(f"Two components have the id {name!r}.")
        self.ids.add(name)
        return name


def _also_hidden(asked: Field, condition: str) -> Field:
    """A question in a group that may be hidden is hidden with it."""
    conditions = [condition, asked.hidden_when] if asked.hidden_when else [condition]
    return replace(asked, hidden_when="= " + " or ".join(each.removeprefix("=").strip() for each in conditions))


def _path(component: dict[str, Any], attribute: str, prefix: tuple[str, ...]) -> tuple[str, ...]:
    """Where an answer is kept. The names become names in expressions, and keys of the case's data."""
    written = component.get(attribute)
    if not isinstance(written, str) or not written:
        raise ValueError(f"A component of type '{component['type']}' has no {attribute}.")
    path = prefix + tuple(written.split("."))
    for segment in path:
        if segment == "typename" or segment.startswith("__"):
            raise ValueError(f"The {attribute} '{written}' is not possible: '{segment}' is a reserved name.")
        if not _SEGMENT.fullmatch(segment):
            raise ValueError(f"The {attribute} '{written}' must be made of letters a-z, digits and _, parted by dots.")
    return path
