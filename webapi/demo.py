"""Demo people: somebody of every role in every agency, so that the product can be walked through at once.

Passwords and tokens are random and stand in ``demo-accounts.json`` of the instance folder, readable by its owner only.
Whoever has lost that file gets new ones. Never in production: the command refuses.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from engine.model import agencies, provinces
from engine.people import accounts, passwords
from engine.people.access import NAMED_ONLY
from engine.places import areas
from engine.runtime import Runtime, Unit

FILE = "demo-accounts.json"
LABEL = "demo"

# who sits in an agency of a kind: (log-in name, role, name)
SEATS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "desk": (("{key}.1", "operator", "Điện thoại viên 1"), ("{key}.2", "operator", "Điện thoại viên 2"),
             ("{key}.ungdung", "client", "Ứng dụng")),
    "office": (("{key}", "office", "Văn phòng"), ("{key}.phantich", "analyst", "Phân tích quy trình")),
    "department": (("{key}", "handler", "Chuyên viên"), ("{key}.theodoi", "monitor", "Theo dõi")),
    "district": (("{key}", "handler", "Cán bộ xử lý"),),
    "commune": (("{key}", "handler", "Cán bộ xã"),),
    "service": (("{key}", "handler", "Trực ban"),),
    "overseer": (("{key}", "overseer", "Giám sát"),),
}  # fmt: skip


def make(runtime: Runtime, instance: Path, tell: Callable[[str], None]) -> None:
    """Make whoever is missing, and note everybody in the file."""
    path = instance / FILE
    known = {one["user"]: one for one in _read(path)}
    with runtime.read() as unit:
        wanted = {seat["login"]: seat for seat in _seats(unit)}
        there = {row.login for row in accounts.everybody(unit)}
    missing = [seat for login, seat in wanted.items() if login not in there or login not in known]
    if missing:
        tell(f"making {len(missing)} demo people")
        people = _with_passwords(missing)
        with runtime.begin() as unit:
            made = [_seat(unit, person, person["login"] in there) for person in people]
        known |= {one["user"]: one for one in made}
    _write(path, [known[login] for login in wanted])
    tell(f"{len(wanted)} demo people; passwords and tokens in {path}")


def _seats(unit: Unit) -> Iterator[dict[str, Any]]:
    yield {"login": "quantri", "role": "admin", "name": "Quản trị hệ thống", "agency": None}
    named = named_for(unit)
    loaded = select(agencies).join(provinces, provinces.c.code == agencies.c.province)
    at_work = areas.valid(unit.today, agencies)
    for agency in unit.all(loaded.where(at_work).order_by(agencies.c.key)):
        for login, role, name in SEATS.get(agency.kind, ()):
            login = login.format(key=agency.key).lower()
            yield {"login": login, "role": role, "name": f"{name} – {agency.name}", "agency": agency.key,
                   "report_types": named.get(agency.key)}  # fmt: skip


def named_for(unit: Unit) -> dict[str, list[str]]:
    """The agencies whose people are named for confidential report types (C4), and for which: those that have a lane in
    one, but not the desk and the office, which have all the others, too."""
    named: dict[str, list[str]] = {}
    shared = unit.execute(select(agencies.c.key).where(agencies.c.kind.in_(("desk", "office")))).scalars().all()
    for package in unit.catalogue.all_current(unit):
        if package.secrecy == NAMED_ONLY:
            for agency in set(package.type["lanes"].values()) - {*shared}:
                named.setdefault(agency, []).append(package.code)
    return named


def _with_passwords(seats: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hashing takes its time on purpose, and no transaction should wait for it."""
    made = [secrets.token_urlsafe(12) for _ in seats]
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(passwords.hashed, made))
    return [
        seat | {"password": password, "password_hash": password_hash}
        for seat, password, password_hash in zip(seats, made, hashes, strict=True)
    ]


def _seat(unit: Unit, person: dict[str, Any], is_there: bool) -> dict[str, Any]:
    password = person["password"]
    values = {key: value for key, value in person.items() if key != "password"}
    row: Row[Any]
    if is_there:
        row = accounts.change(unit, person["login"], {"password_hash": person["password_hash"]}, None)
    else:
        row = accounts.create(unit, values, None)
    token = accounts.issue(unit, accounts.account(unit, row.login), LABEL).token
    return {"user": row.login, "name": row.name, "role": row.role, "agency": row.agency, "password": password,
            "token": token}  # fmt: skip


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except (OSError, ValueError):
        return []


def _write(path: Path, people: list[dict[str, Any]]) -> None:
    """All of it or nothing, and never readable by others, not even for a moment."""
    file, name = tempfile.mkstemp(dir=path.parent, prefix=".demo-")
    with os.fdopen(file, "w", encoding="utf-8") as out:
        json.dump(people, out, ensure_ascii=False, indent=1)
    os.replace(name, path)
