"""A list of people as an agency's spreadsheet saves it, read by what the report type says of its columns.

Nothing here looks at the database. A file is refused as a whole with one sentence, a row with one in Vietnamese and
one in English; neither repeats what stands in the file but a place that we do not know.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from engine.errors import InvalidAnswers, InvalidRequest
from engine.forms import contacts
from engine.language.vietnamese import nfc, words
from engine.packages import Package
from engine.sheets import workbooks
from engine.sheets.workbooks import no_list

BYTES_MAX = 10_000_000
ROWS_MAX = 5_000
PLACE = ("area", "place")  # what a list may tell of a case beside its form
CELL_MAX = 4_000
HEADER_MAX, SAID_MAX = 60, 10  # characters of a header that is repeated; and how many are
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z", re.ASCII)
_TICKED = {"co": True, "x": True, "1": True, "true": True, "khong": False, "0": False, "false": False}


@dataclass
class Read:
    """A file as understood.

    Attributes:
        total: rows with anything in them.
        rows: those that may become cases: ``row`` (as the spreadsheet numbers it), ``person``, ``answers``, and
            ``place``: ``area`` (its code) and ``place``, as far as the list tells.
        refusals: of the others: ``row``, ``vi``, ``en``, ``duplicate``.
        duplicates: how many were refused because a row above has the same telephone number.
        unread: the names of the columns that mean nothing to us.
    """

    total: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0
    unread: list[str] = field(default_factory=list)


def refusal(row: int, vi: str, en: str, *, duplicate: bool = False) -> dict[str, Any]:
    return {"row": row, "vi": vi, "en": en, "duplicate": duplicate}


def too_large() -> InvalidRequest:
    return no_list(f"The file is larger than {BYTES_MAX} bytes: split the list.",
                   f"Tệp lớn hơn {BYTES_MAX // 1_000_000} MB: hãy chia danh sách ra nhiều tệp.")  # fmt: skip


def headers(package: Package) -> list[tuple[list[str], bool]]:
    """The columns that a type's lists may have: the names of each, and whether every row needs it."""
    table = _table(package)
    asked = (one for one in package.intake_form.fields if one.default is None and not one.hidden_when)
    needed = ({one.key for one in asked if one.required} | {"phone"}) - set(table.get("fixed", {}))
    found: dict[str, tuple[list[str], bool]] = {}  # a column may mean two things: it is shown once
    for (_, name), names in _meanings(table):
        found[names[0]] = names, name in needed or found.get(names[0], (names, False))[1]
    return list(found.values())


def _table(package: Package) -> Mapping[str, Any]:
    if not package.type.get("list"):
        raise InvalidRequest(f"Reports of the type {package.code} do not come in lists: its type.toml has no [list].")
    return package.type["list"]  # type: ignore[no-any-return]


def _meanings(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """What a column may mean, and the names that say so."""
    yield from ((("person", name), names) for name, names in table["person"].items())
    yield from ((("place", name), table[name]) for name in PLACE if name in table)
    yield from ((("answers", name), names) for name, names in table["answers"].items())


def read(content: bytes, package: Package, today: date) -> Read:
    """Raises:
    InvalidRequest: the type takes no lists, or the file is none that we can read.
    """
    table = _table(package)
    lines = _lines(content)
    columns = _columns(lines[0][1], table)
    options, found, seen = _options(package), Read(unread=_unread(lines[0][1], package)), {}
    districts = {"label": "Địa bàn", "values": [{"label": one["name"], "value": one["code"]}
                 for one in package.province.get("areas", ()) if not one.get("parent")]}  # fmt: skip
    for number, cells in lines[1:]:
        found.total += 1
        said = {where: nfc(cells[at]).strip() for at, meant in columns.items() if at < len(cells) and cells[at].strip()
                for where in meant}  # fmt: skip
        wrong = _refused(number, cells, said, seen)
        if wrong is not None:
            found.duplicates += wrong["duplicate"]
            found.refusals.append(wrong)
            continue
        person = {name: value for (part, name), value in said.items() if part == "person"}
        try:
            place = {name: _choice(value, districts) if name == "area" else value
                     for (part, name), value in said.items() if part == "place"}  # fmt: skip
            answers = table.get("fixed", {}) | {name: _typed(value, options.get(name))
                                                for (part, name), value in said.items() if part == "answers"}
            package.intake_form.check_first(answers, today=today)
        except _Unknown as unknown:
            found.refusals.append(refusal(number, *unknown.args))
            continue
        except InvalidAnswers as error:
            names = ", ".join(error.facts["errors"])
            sentence = " ".join(map(str, error.facts["errors"].values()))
            found.refusals.append(refusal(number, sentence, f"The form does not accept: {names}."))
            continue
        found.rows.append({"row": number, "person": person, "answers": answers, "place": place})
    return found


class _Unknown(Exception):
    """A choice that the form does not offer: the sentence in Vietnamese, and in English."""


def _lines(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows with anything in them and their numbers; the first is the header."""
    if not content.strip():
        raise no_list("The file is empty.", "Tệp không có gì.")
    if len(content) > BYTES_MAX:
        raise too_large()
    if content.startswith(workbooks.OLD):
        raise no_list("The file is an old or a protected workbook: save it as .xlsx without a password.",
                      "Sổ tính kiểu cũ hoặc có mật khẩu: hãy lưu thành .xlsx không có mật khẩu.")  # fmt: skip
    found: list[tuple[int, list[str]]] = []
    for number, cells in workbooks.lines(content) if content.startswith(workbooks.MAGIC) else _csv(_text(content)):
        if any(cell.strip() for cell in cells):
            found.append((number, cells))
        if len(found) > ROWS_MAX + 1:
            raise no_list(f"The list has more than {ROWS_MAX} rows: split it.",
                          f"Danh sách dài quá {ROWS_MAX} dòng: hãy chia ra nhiều tệp.")  # fmt: skip
    if len(found) < 2:
        raise no_list("The list has no rows below its header.", "Danh sách không có dòng nào dưới dòng tên cột.")
    return found


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise no_list("The file is not UTF-8, so its Vietnamese letters cannot be told for certain: "
                      "save it as .xlsx or 'CSV UTF-8' and send that.",
                      "Tệp không phải UTF-8 nên không đọc chắc được chữ Việt: hãy lưu thành .xlsx hoặc "
                      "“CSV UTF-8”.") from error  # fmt: skip
    if "\0" in text:
        raise no_list("The file is no text: save the list as .xlsx or 'CSV UTF-8'.",
                      "Tệp không phải danh sách: hãy lưu thành .xlsx hoặc “CSV UTF-8”.")  # fmt: skip
    return text


def _csv(text: str) -> Iterator[tuple[int, list[str]]]:
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1)
    except csv.Error as error:
        raise no_list(f"The file is no CSV that can be read: {error}.",
                      "Không đọc được tệp CSV này: hãy lưu lại thành .xlsx hoặc “CSV UTF-8”.") from error  # fmt: skip


def _key(name: str) -> str:
    return " ".join(words(name))


def _columns(header: list[str], table: Mapping[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """What stands in which column; others are left out."""
    known: dict[str, list[tuple[str, str]]] = {}
    for meant, names in _meanings(table):
        for key in {_key(name) for name in names}:
            known.setdefault(key, []).append(meant)
    found = {at: known[_key(name)] for at, name in enumerate(header) if _key(name) in known}
    meanings = [meant for several in found.values() for meant in several]
    if len(set(meanings)) < len(meanings):
        raise no_list("Two columns of the list have the same meaning: leave one out.",
                      "Hai cột có cùng ý nghĩa: hãy bỏ bớt một cột.")  # fmt: skip
    return found


def _unread(header: list[str], package: Package) -> list[str]:
    """The names that stand above columns and mean nothing to us.

    Raises:
        InvalidRequest: a column is missing that every row needs; it is said once, and not of each row.
    """
    written, columns = {_key(name) for name in header}, headers(package)
    known = {_key(name) for names, _needed in columns for name in names}
    unread = [nfc(name).strip()[:HEADER_MAX] for name in header if name.strip() and _key(name) not in known]
    missing = [names for names, needed in columns if needed and written.isdisjoint(map(_key, names))]
    if missing:
        wanted, others = "', '".join("' or '".join(names) for names in missing), "', '".join(unread[:SAID_MAX])
        vi_wanted, vi_others = "”, “".join(names[0] for names in missing), "”, “".join(unread[:SAID_MAX])
        raise no_list(f"The list has no column '{wanted}': its first row has to name the columns."
                      + (f" Not understood: '{others}'." if others else ""),
                      f"Danh sách thiếu cột “{vi_wanted}”: dòng đầu là tên các cột."
                      + (f" Không hiểu cột “{vi_others}”." if vi_others else ""))  # fmt: skip
    return unread


def _refused(
    number: int, cells: list[str], said: dict[tuple[str, str], str], seen: dict[str, int]
) -> dict[str, Any] | None:
    """What is wrong with a row whatever its type; else its telephone number is put in order and noted as seen."""
    if any(len(cell) > CELL_MAX for cell in cells):
        return refusal(number, f"Có ô dài quá {CELL_MAX} ký tự.", f"A cell is longer than {CELL_MAX} characters.")
    if any(value.startswith(("=", "@")) for value in said.values()):
        return refusal(number, "Có ô là công thức: ghi giá trị thay cho công thức.",
                       "A cell is a formula: write its value.")  # fmt: skip
    told = said.get(("person", "phone"), "")
    # spreadsheets drop the first zero of what they take for a number
    phone = contacts.phone(told) or contacts.phone(f"0{told}")
    if phone is None:
        return refusal(number, "Số điện thoại thiếu hoặc không gọi được: ghi như 0912345678.",
                       "The telephone number is missing or cannot be called: write it like 0912345678.")  # fmt: skip
    if phone in seen:
        return refusal(number, f"Trùng số điện thoại với dòng {seen[phone]}.",
                       f"The telephone number is that of row {seen[phone]}.", duplicate=True)  # fmt: skip
    seen[phone] = number
    said["person", "phone"] = phone
    return None


def _options(package: Package) -> dict[str, dict[str, Any]]:
    """The intake form's questions, as drawn."""
    drawn = json.loads(package.files[f"{package.type['intake_form']}.form"])
    return {one["key"]: one for one in drawn["components"] if "key" in one}


def _typed(text: str, question: Mapping[str, Any] | None) -> Any:
    """What a cell says, as the form wants it; what cannot be is left for the form to refuse."""
    kind = (question or {}).get("type")
    if question and question.get("values"):
        if kind == "checklist":
            return [_choice(part, question) for part in re.split(r"[;+|]", text) if part.strip()]
        return _choice(text, question)
    if kind == "checkbox":
        return _ticked(text, str((question or {}).get("label")))
    if kind == "number":
        return int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else text
    if kind == "datetime" and (day := _DAY.match(text)):
        return f"{int(day[3]):04d}-{int(day[2]):02d}-{int(day[1]):02d}"
    return text


def _ticked(text: str, label: str) -> bool:
    if _key(text) not in _TICKED:
        raise _Unknown(f"{label}: hãy ghi “x” hoặc “có”, “không”, hay để trống.",
                       f"{label}: write x or có, không, or leave it empty.")  # fmt: skip
    return _TICKED[_key(text)]


def _choice(text: str, question: Mapping[str, Any]) -> str:
    choices = {_key(one["label"]): one for one in question["values"]}
    short = {key.partition(" ")[2]: one for key, one in choices.items() if key.startswith(("quan ", "huyen "))}
    short |= {key[len(kind):]: one for key, one in choices.items() for kind in ("thi xa ", "thanh pho ")
              if key.startswith(kind)}  # fmt: skip
    codes = {str(one["value"]): one for one in question["values"]}
    found = codes.get(text) or choices.get(_key(text)) or short.get(_key(text))
    if found is None:
        near = get_close_matches(_key(text), [*choices, *short], 1, 0.6)
        label = ((choices | short)[near[0]])["label"] if near else None
        vi, en = (f" Có phải “{label}”?", f" Is it “{label}”?") if label else ("", "")
        shown = text[:60]
        raise _Unknown(f"{question['label']}: không có “{shown}”.{vi}", f"{question['label']}: no “{shown}”.{en}")
    return str(found["value"])
