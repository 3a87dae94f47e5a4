"""Whose cases: who is found by number, address or account, though the database holds these sealed only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from engine.model import people
from engine.model.sealed import is_any_of


def known_by(way: str, *values: str) -> ColumnElement[bool]:
    """The rows of `people` of whoever has one of these.

    Args:
        way: phone (in E.164), email (in small letters), zalo, facebook or viber.
    """
    return is_any_of(people.c[way], values)


def cases_of(way: str, *values: str) -> Select[Any]:
    """The ids of their cases: those they reported, and those they need help in."""
    return select(people.c.case_id).where(known_by(way, *values))
