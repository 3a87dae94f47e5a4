"""Ids as Camunda's clients keep them: ``BDTT:3:17`` is version 3 of the report type BDTT, row 17 of its table.

A process definition's key is the report type's code; a process instance's id and business key are the case's number.
"""

from __future__ import annotations

import re

from engine.errors import NotFound

_ID = re.compile(r"([A-Za-z0-9_.-]{1,80}):(\d{1,9}):(\d{1,15})\Z")


def definition_id(key: str, version: int, row_id: int) -> str:
    return f"{key}:{version}:{row_id}"


def read_definition_id(text: str) -> int:
    """Raises:
    NotFound: it is no id of a definition.
    """
    found = _ID.match(text)
    if found is None:
        raise NotFound(f"There is no process definition {text[:200]!r}.")
    return int(found[3])
