"""Districts and communes as they were on a day, what became of them, and how they are found by name.

A unit's code is for ever: that of the General Statistics Office, and since July 2025, when codes of merged communes
were given to others, with a suffix (``25741.2025``). Cases are kept by *district*: an area without a parent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, and_, bindparam, case, or_, select

from engine.errors import InvalidRequest, NotFound
from engine.flow.places import Place
from engine.language.vietnamese import fold
from engine.model import area_successors, areas, provinces
from engine.places import addresses
from engine.runtime import Unit
from engine.storage.prepared import Prepared

LEVELS = ("district", "commune")
TWO_TIERS = date(2025, 7, 1)  # when districts were abolished and communes merged, in the whole country
SUFFIX = ".2025"
SHOWN = 10  # areas in a sentence

_TYPE = re.compile(r"(thanh pho|thi xa|thi tran|dac khu|tinh|quan|huyen|phuong|xa) (?=.)")
_LAST = "\U0010ffff"  # sorts behind whatever a name goes on with
_FIND = Prepared(
    select(*areas.c).where(areas.c.code == bindparam("code"), areas.c.province == bindparam("province"))
)
_NAME = Prepared(select(areas.c.name).where(areas.c.code == bindparam("code")))


def search_keys(name: str) -> dict[str, str]:
    """What a unit is found by: its folded name, with and without what kind of unit it is.

    >>> search_keys("Phường Phú Hoà")
    {'search_name': 'phuong phu hoa', 'search_short': 'phu hoa'}
    """
    whole = addresses.without_zeros(fold(name))
    return {"search_name": whole, "search_short": _TYPE.sub("", whole) if _TYPE.match(whole) else whole}


def valid(day: date, of: FromClause = areas) -> ColumnElement[bool]:
    """Whether an area, or the agency of one, exists on a local day."""
    return and_(
        or_(of.c.valid_from.is_(None), of.c.valid_from <= day),
        or_(of.c.valid_to.is_(None), of.c.valid_to > day),
    )


def ask_names(unit: Unit, *codes: str | None) -> None:
    """`names` will be asked for these."""
    for code in filter(None, codes):
        unit.soon(_NAME, {"code": code})


def names(unit: Unit, *codes: str | None) -> list[str]:
    """What areas are called, of those that there are."""
    return [row.name for code in filter(None, codes) for row in unit.known(_NAME, {"code": code})]


def show(unit: Unit, code: str) -> Row[Any]:
    """Raises:
    NotFound: there is no such area, now or ever.
    """
    found = unit.first(select(areas).where(areas.c.code == code))
    if found is None:
        raise NotFound(f"There is no area {code!r}.")
    return found


def at(unit: Unit, official: str, day: date) -> Row[Any] | None:
    """The unit that bore this code of the Statistics Office on that day, if any did."""
    both = areas.c.code.in_((official, official + SUFFIX))
    return unit.first(select(areas).where(both, valid(day)).order_by(areas.c.code))


def search(
    unit: Unit, *, province: str | None = None, parent: str | None = None, level: str | None = None,
    q: str | None = None, at: date | None = None, limit: int = 50,
) -> list[Row[Any]]:  # fmt: skip
    """Areas by name, for a list or while somebody types.

    Args:
        q: how the name begins, with or without marks and with or without "phường", "huyện", …, and the district or
            province behind it: "p. 12 q. 10", "tân phú, đồng nai". Whole names first, then districts.
        at: only those that existed on that day; left out: whenever.
    """
    equal = {areas.c.province: province, areas.c.parent: parent, areas.c.level: level}
    conditions: list[Any] = [column == value for column, value in equal.items() if value is not None]
    if at is not None:
        conditions.append(valid(at))
    by_name = (areas.c.search_short, areas.c.code)
    if q is None:
        return unit.all(select(areas).where(*conditions).order_by(*by_name).limit(limit))
    for name, *behind in filter(None, addresses.readings(q)):
        whole = case((or_(areas.c.search_name == name, areas.c.search_short == name), 0), else_=1)
        named = [_begins(name), *(_within(unit, one) for one in behind)]
        query = select(areas).where(*conditions, *named).order_by(whole, areas.c.level.desc(), *by_name)
        found = unit.all(query.limit(limit))
        if found:
            return found
    return []


def _begins(name: str) -> ColumnElement[bool]:
    """Whoever has typed no more than "phường" so far means a name that begins so, and not all there are."""
    columns = [areas.c.search_short, *([] if addresses.is_kind(name) else [areas.c.search_name])]
    return or_(*(and_(column >= name, column < name + _LAST) for column in columns))


def _within(unit: Unit, name: str) -> ColumnElement[bool]:
    """Whether an area is in the district of this name, or else the province; "quận 1" is not "quận 10"."""
    numbered = name[-1:].isdigit()
    is_it = or_(areas.c.search_name == name, areas.c.search_short == name) if numbered else _begins(name)
    districts = [row.code for row in unit.all(select(areas.c.code).where(is_it, areas.c.level == "district"))]
    if districts:
        return areas.c.parent.in_(districts)
    known = {row.code: search_keys(row.name) for row in unit.all(select(provinces.c.code, provinces.c.name))}
    there = [code for code, keys in known.items() if any(key.startswith(name) for key in keys.values())]
    return areas.c.province.in_(there)


def communes(unit: Unit, district: str, day: date) -> list[Row[Any]]:
    """The communes that a district had on a day, by name."""
    return search(unit, parent=district, at=day, limit=1000)


def successors(unit: Unit, code: str, day: date) -> list[Row[Any]]:
    """What an area has become by a day, through however many changes: each holds all of it or a part, by name.

    Empty for an area that still is, and for one whose successors nobody has told us.
    """
    found: set[str] = set()
    reached, seen = {code}, {code}
    while reached:
        links = select(area_successors.c.successor).where(
            area_successors.c.area.in_(reached), area_successors.c.since <= day
        )
        step = {row.successor for row in unit.all(links)} - seen
        ended = {row.code for row in unit.all(select(areas.c.code).where(areas.c.code.in_(step), ~valid(day)))}
        found |= step - ended
        seen |= step
        reached = ended
    return _named(unit, found)


def places(unit: Unit, province: str, day: date) -> list[Place]:
    """What the gate has to know of a province's areas: those of that day, and those that are no more by then."""
    begun = or_(areas.c.valid_from.is_(None), areas.c.valid_from <= day)
    rows = unit.all(select(areas).where(areas.c.province == province, begun).order_by(areas.c.code))
    return [_place(unit, row, day) for row in rows]


def _place(unit: Unit, row: Row[Any], day: date) -> Place:
    if is_valid(row, day):
        return Place(row.code, row.name, row.parent)
    after = successors(unit, row.code, day) if row.parent is None else []  # tables list no communes of districts
    return Place(row.code, row.name, row.parent, row.valid_to, tuple(f"{one.code} ({one.name})" for one in after))


def predecessors(unit: Unit, code: str) -> list[Row[Any]]:
    """What an area was made of, in whole or in part: districts first, by name."""
    links = select(area_successors.c.area).where(area_successors.c.successor == code)
    return _named(unit, {row.area for row in unit.all(links)})


def _named(unit: Unit, codes: Iterable[str]) -> list[Row[Any]]:
    query = select(areas).where(areas.c.code.in_(sorted(codes)))
    return unit.all(query.order_by(areas.c.level.desc(), areas.c.search_short, areas.c.code))


def require_province(unit: Unit, code: str) -> None:
    """Raises:
    InvalidRequest: there is no such province.
    """
    if unit.first(select(provinces.c.code).where(provinces.c.code == code)) is None:
        raise InvalidRequest(f"There is no province {code!r}.", field="province")


def ask(unit: Unit, code: str, province: str) -> None:
    """Have an area looked up along with what is looked up next: `find` will be asked for it."""
    unit.soon(_FIND, {"code": code, "province": province})


def find(unit: Unit, code: str, province: str) -> Row[Any] | None:
    """The province's area of this code, which it has now or had once."""
    return unit.known_row(_FIND, {"code": code, "province": province})


def in_province(unit: Unit, code: str, province: str) -> Row[Any]:
    """Raises:
    InvalidRequest: there is no such area in the province, now or ever.
    """
    found = find(unit, code, province)
    if found is None:
        raise InvalidRequest(f"There is no area {code!r} in the province {province}.", field="area")
    return found


def placed(unit: Unit, code: str, province: str, known: Collection[str] | None) -> tuple[str, str | None]:
    """Where a report belongs that names this area: the area its case is kept by, and its commune if that is in one.

    An area that is no more and has become exactly one other stands for that one.

    Args:
        known: the areas that the report type's province.toml lists, which its tables ask about; ``None``: all.

    Raises:
        InvalidRequest: there is no such area in the province; it is no more, or not yet; or the type does not know it.
    """
    day = unit.today
    found = _of_today(unit, in_province(unit, code, province), day)
    if found.parent is not None:
        return found.parent, found.code
    if found.level == "commune" and known is not None and found.code not in known:
        before = [row for row in predecessors(unit, found.code) if row.code in known and is_valid(row, day)]
        instead = f"Name the district: {_listed(before, 'or')}." if before else "Leave the area out, and say where."
        raise InvalidRequest(f"The area {found.code!r} is in no district, and reports of this type go by district. "
                             f"{instead}", field="area")  # fmt: skip
    return found.code, None


def _of_today(unit: Unit, found: Row[Any], day: date) -> Row[Any]:
    """The area itself, or the one that it has become.

    Raises:
        InvalidRequest: it has become several, or one of another province, or nobody knows; or it is not yet.
    """
    named = f"The area {found.code!r} ({found.name})"
    if found.valid_to is not None and found.valid_to <= day:
        after = successors(unit, found.code, day)
        here = [row for row in after if row.province == found.province]
        if len(after) == len(here) == 1:
            return here[0]
        if here:
            instead = f"name what it has become there: {_listed(here, 'or')}"
        elif after:
            instead = f"it belongs to the province {', '.join(sorted({row.province for row in after}))} now"
        else:
            instead = "leave the area out, and say where"
        raise InvalidRequest(f"{named} is no more since {found.valid_to}: {instead}.", field="area")
    if not is_valid(found, day):
        before = [row for row in predecessors(unit, found.code) if row.parent is None and is_valid(row, day)]
        instead = f"Name the district: {_listed(before, 'or')}." if before else "Leave it out, and say where."
        raise InvalidRequest(f"{named} is only from {found.valid_from} on. {instead}", field="area")
    return found


def is_valid(row: Row[Any], day: date) -> bool:
    """`valid` of a row that has been read."""
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or row.valid_to > day)


def _listed(rows: list[Row[Any]], word: str) -> str:
    """718 (Thành phố Thủ Dầu Một) or 719 (…); of many, the first few."""
    names = [f"{row.code} ({row.name})" for row in rows[:SHOWN]]
    more = f" {word} one of {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f" {word} ".join(names) + more
