"""Published lists of administrative units, and how they become areas with validity and successors.

A list is whole or it is refused: one wrong row says that it is not the list we take it for. What a list brings is
compared with what is there, so that loading it again changes nothing. Nothing is ever deleted: cases refer to it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, insert, select, update

from engine.errors import InvalidRequest
from engine.model import agencies, area_successors, areas, provinces
from engine.places import communes
from engine.places.areas import SUFFIX, search_keys
from engine.runtime import Unit

_SHAPES = {"district": re.compile(r"\d{3}\Z"), "commune": re.compile(r"\d{5}(\.\d{4})?\Z")}
_SHOWN = 10  # codes in a sentence


@dataclass(frozen=True)
class Entry:
    """One unit as a list has it.

    Attributes:
        code: ours (`engine.places.areas`).
        province: code of the province it belongs to.
        parent: a commune's district, where there are districts.
    """

    code: str
    name: str
    level: str
    province: str
    parent: str | None = None


@dataclass(frozen=True)
class Gazetteer:
    """A published list.

    Attributes:
        source: name and version, for sentences.
        since, until: local days between which its units are valid; ``until`` is the first day they are no more.
        made_of: for a unit of this list, the codes of units of the list before that are in it, in whole or in part.
            Empty: the list does not say.

    Raises:
        InvalidRequest: a code twice or not as the Statistics Office writes it, a unit without a name, a commune of no
            district, the parts of a unit that does not exist.
    """

    source: str
    entries: tuple[Entry, ...]
    since: date | None = None
    until: date | None = None
    made_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counted = Counter(entry.code for entry in self.entries)
        districts = {entry.code for entry in self.entries if entry.level == "district"}
        self._refuse("has codes twice", (code for code, times in counted.items() if times > 1))
        self._refuse("has codes that are none of the Statistics Office's",
                     (entry.code for entry in self.entries if not _SHAPES[entry.level].match(entry.code)))
        self._refuse("has units without a name", (entry.code for entry in self.entries if not entry.name.strip()))
        self._refuse("has communes of districts that it does not have",
                     (f"{entry.code} of {entry.parent}" for entry in self.entries
                      if entry.parent is not None and entry.parent not in districts))  # fmt: skip
        self._refuse("names successors that do not exist", (code for code in self.made_of if code not in counted))

    def _refuse(self, what: str, codes: Iterable[str]) -> None:
        wrong = sorted(codes)
        if wrong:
            raise InvalidRequest(f"{self.source} {what}: {some(wrong)}. Nothing was loaded.")


@dataclass
class Loaded:
    """What a list has brought to one province.

    Attributes:
        changed: areas and links that are new or other than they were.
        undeclared: districts that its province.toml does not have, so that no routing table is asked for them.
        elsewhere: provinces that hold successors of its communes but are not loaded here.
        without: communes of the list before whose successors this list does not name.
        agencies: of communes, that are new or other than they were.
    """

    province: str
    name: str
    districts: int = 0
    communes: int = 0
    changed: int = 0
    undeclared: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    agencies: int = 0


def chosen(unit: Unit, codes: Iterable[str]) -> list[Row[Any]]:
    """The provinces with these codes; none given: all that are loaded.

    Raises:
        InvalidRequest: one is not loaded.
    """
    known = {row.code: row for row in unit.all(select(provinces).order_by(provinces.c.code))}
    for code in codes:
        if code not in known:
            here = f"here are {', '.join(known)}" if known else "here is none"
            raise InvalidRequest(f"There is no province {code!r}; {here}. `thongsuot load` brings them.")
    found = [known[code] for code in dict.fromkeys(codes)] or list(known.values())
    if not found:
        raise InvalidRequest("There is no province yet: `thongsuot load` brings them.")
    return found


def load(unit: Unit, gazetteer: Gazetteer, province: Row[Any]) -> Loaded:
    """Bring a province's areas up to date with a list, and link what was there before to what is in the list.

    A district that its province.toml has keeps the name it has there.

    Raises:
        InvalidRequest: it is not the list the province was set up with, or a code belongs to another province.
    """
    mine = [entry for entry in gazetteer.entries if entry.province == province.code]
    counted = Counter(entry.level for entry in mine)
    done = Loaded(province.code, province.name, counted["district"], counted["commune"])
    if any(entry.level == "district" for entry in gazetteer.entries):
        done.undeclared = _compare(unit, gazetteer, province, mine)
    links = dict(_links(unit, gazetteer, province, done))
    here = set(unit.execute(select(provinces.c.code)).scalars())
    wanted = {successor for _, successor in links}
    beside = [entry for entry in gazetteer.entries if entry.code in wanted and entry.province != province.code]
    done.elsewhere = sorted({entry.province for entry in beside} - here)
    missing = {entry.code for entry in beside if entry.province not in here}
    entries = [*mine, *(entry for entry in beside if entry.code not in missing)]
    done.changed = _bring(unit, gazetteer, entries)
    done.changed += _link(unit, {pair: since for pair, since in links.items() if pair[1] not in missing})
    done.agencies = communes.make_agencies(unit, province.code, province.settings)
    return done


def _compare(unit: Unit, gazetteer: Gazetteer, province: Row[Any], mine: list[Entry]) -> list[str]:
    """The districts that the province does not know of.

    Raises:
        InvalidRequest: the province works with districts that the list does not have, or most of the list's are
            unknown to it.
    """
    settled = {one["code"] for one in province.settings.get("areas", ()) if not one.get("parent")}
    at_work = select(agencies.c.area).where(agencies.c.province == province.code, agencies.c.area.is_not(None))
    worked = {code for code in {*settled, *unit.execute(at_work).scalars()} if _SHAPES["district"].match(code)}
    listed = {entry.code: entry.name for entry in mine if entry.level == "district"}
    unknown, undeclared = sorted(worked - listed.keys()), sorted(listed.keys() - worked)
    refusal = f"{gazetteer.source} is not the list that {province.code} {province.name} was set up with: "
    if unknown:
        raise InvalidRequest(refusal + f"it does not have {some(unknown)}. Nothing was loaded.")
    if worked and len(undeclared) > len(worked):
        raise InvalidRequest(refusal + f"it has {len(listed)} districts, province.toml {len(worked)}, which lacks "
                             f"{some(undeclared)}. Nothing was loaded.")
    return [f"{code} {listed[code]}" for code in undeclared]


def _links(
    unit: Unit, gazetteer: Gazetteer, province: Row[Any], done: Loaded
) -> Iterator[tuple[tuple[str, str], date]]:
    """(area, successor) and since when, for the province's communes of the list before, and for their districts."""
    if not gazetteer.made_of or gazetteer.since is None:
        return
    before = select(areas.c.code, areas.c.parent).where(
        areas.c.province == province.code, areas.c.level == "commune", areas.c.valid_to == gazetteer.since
    )
    homes = {row.code: row.parent for row in unit.all(before)}
    linked = set()
    for successor, parts in gazetteer.made_of.items():
        for part in parts:
            if part in homes:
                linked.add(part)
                yield (part, successor), gazetteer.since
                if homes[part] is not None:
                    yield (homes[part], successor), gazetteer.since
    done.without = sorted(homes.keys() - linked)


def _bring(unit: Unit, gazetteer: Gazetteer, entries: list[Entry]) -> int:
    """Write what is new or other than it was; how many that is."""
    known = {row.code: dict(row._mapping) for row in unit.all(select(areas))}
    new, changed = [], []
    for entry in entries:
        row = vars(entry) | {"valid_from": gazetteer.since, "valid_to": gazetteer.until} | search_keys(entry.name)
        was = known.get(entry.code)
        if was is None:
            new.append(row)
        elif was["province"] != entry.province:
            raise InvalidRequest(f"The area {entry.code!r} belongs to the province {was['province']} here, and to "
                                 f"{entry.province} in {gazetteer.source}. Nothing was loaded.")
        else:
            row |= {"name": was["name"]} | search_keys(was["name"]) if entry.level == "district" else {}
            if row != was:
                changed.append(row)
    for level in ("district", "commune"):  # which refers to its district
        rows = [row for row in new if row["level"] == level]
        if rows:
            unit.execute(insert(areas), rows)
    for row in changed:
        unit.execute(update(areas).where(areas.c.code == row["code"]).values(row))
    return len(changed) + len(new)


def _link(unit: Unit, links: Mapping[tuple[str, str], date]) -> int:
    known = {(row.area, row.successor) for row in unit.all(select(area_successors))}
    rows = [{"area": area, "successor": successor, "since": since}
            for (area, successor), since in sorted(links.items()) if (area, successor) not in known]  # fmt: skip
    if rows:
        unit.execute(insert(area_successors), rows)
    return len(rows)


def since_2025(official: str) -> str:
    """Our code of a unit of the two-tier list; the Statistics Office uses codes of communes again.

    >>> since_2025("25741")
    '25741.2025'
    """
    return official + SUFFIX


def some(words: list[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
