"""Two plays of one case, and what many of them come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine import packages
from engine.clocks import CASE
from engine.errors import InvalidRequest
from engine.flow.sentences import in_vietnamese
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.replays import record
from engine.replays.play import Course, play
from engine.replays.record import Record
from engine.replays.scratch import Scratch
from engine.runtime import Runtime, Unit

CHUNK = 100  # cases read at once
NUMBERS_TOLD = 50  # of each group
CASES_MAX = 5_000
ASPECTS = ("path", "agency", "breach", "outcome")


@dataclass
class Group:
    """Cases of which the same is to be said.

    Attributes:
        numbers: of the first of them, as far as the caller may know of them.
        vi, en: it, in a sentence.
    """

    vi: str
    en: str
    cases: int = 0
    numbers: list[str] = field(default_factory=list)


@dataclass
class Replay:
    """What would have become of closed cases.

    Attributes:
        cases: how many were looked at; ``same`` of them would have gone as they did.
        changed: how many would have gone otherwise, by aspect: one case may count in several.
        differences: by aspect, the most frequent first.
        missing: those that need an answer that was never given: what becomes of them, nobody knows.
        held_up: those that the edited version's fault would hold up.
        left_out: those that cannot be replayed, by reason.
    """

    cases: int = 0
    same: int = 0
    changed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ASPECTS, 0))
    differences: dict[str, list[Group]] = field(default_factory=lambda: {aspect: [] for aspect in ASPECTS})
    missing: list[Group] = field(default_factory=list)
    held_up: list[Group] = field(default_factory=list)
    left_out: list[Group] = field(default_factory=list)


def replay(
    runtime: Runtime, files: Mapping[str, str], since: datetime, before: datetime, limit: int = CASES_MAX,
    *, by: Account,
) -> Replay:  # fmt: skip
    """Play the cases of a type that were closed in that time through an edited package. Nothing is written.

    Args:
        files: of the package.
        since, before: aware.
        limit: the newest so many.

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: the time is none.
        InvalidPackage: the package has faults.
    """
    if since >= before:
        raise InvalidRequest("The time ends before it begins: give since before the other.", field="since")
    found, scratch = Replay(), Scratch()
    try:
        with runtime.read() as unit:
            code, last = _allowed(unit, files, by), record.last_line(unit)
            rows = record.closed(unit, code, since, before, min(limit, CASES_MAX))
            scratch.fill(unit, files, {row.definition_id for row in rows})
        for first in range(0, len(rows), CHUNK):  # nobody waits for us meanwhile: each few are read by themselves
            with runtime.read() as unit:
                some = record.of(unit, [row.id for row in rows[first : first + CHUNK]], access.visible(by))
            for one in some:
                _add(found, scratch, one, last)
    finally:
        scratch.close()
    for groups in (*found.differences.values(), found.missing, found.held_up, found.left_out):
        groups.sort(key=lambda group: -group.cases)
    return found


def _allowed(unit: Unit, files: Mapping[str, str], by: Account) -> str:
    """The type's code.

    Raises:
        NotAllowed, InvalidPackage: as for `replay`.
    """
    access.require(by, "migrate")
    package = packages.faultless(unit, files)
    access.require(by, "migrate", Target(province=str(package.province["code"]), report_type=package.code), unit)
    return package.code


def _add(found: Replay, scratch: Scratch, one: Record, last: datetime) -> None:
    found.cases += 1
    if one.why_not:
        _note(found.left_out, one, _WHY_VI.get(one.why_not, one.why_not), one.why_not)
        return
    opened = one.case.opened_at
    own = scratch.version(one.case.definition_id)
    with scratch.unit(opened) as unit:
        was = play(unit, one, own, last, edited=False)
    if was.passed != one.passed or (CASE in was.late) != (one.case.breached_at is not None):
        vi, en = _behind(one, was.fault or was.missing)
        _note(found.left_out, one, f"Phát lại trong chính phiên bản của nó không ra như đã ghi{vi}",
              f"Replayed in its own version it does not go as it is recorded{en}")  # fmt: skip
        return
    with scratch.unit(opened) as unit:
        would = play(unit, one, scratch.edited, last, edited=True)
    if would.missing:
        vi, en = _behind(one, would.missing)
        _note(found.missing, one, f"Cần câu trả lời chưa từng có{vi}", f"It needs an answer that was never given{en}")
    elif would.fault:
        vi, en = _behind(one, would.fault)
        _note(found.held_up, one, f"Bản sửa giữ nó lại{vi}", f"The edited one holds it up{en}")
    else:
        _compare(found, one, was, would, own, scratch)


def _behind(one: Record, why: str) -> tuple[str, str]:
    """Why, in words that may quote what the case says: only for whoever may know of it."""
    return (f": {in_vietnamese(why)}", f": {why}") if why and one.case.visible else (".", ".")


def _compare(found: Replay, one: Record, was: Course, would: Course, own: Package, scratch: Scratch) -> None:
    edited = scratch.edited
    said = {
        "path": _path(was, would, own, edited),
        "agency": _sets(was.agencies, would.agencies, ("Thêm cơ quan", "Không còn cơ quan"),
                        ("Also for", "No longer for"), scratch.agencies),
        "breach": _late(was, would, own, edited),
        "outcome": _outcome(one, was, would, own.type["outcomes"] | edited.type["outcomes"]),
    }  # fmt: skip
    for aspect, told in said.items():
        if told:
            found.changed[aspect] += 1
            _note(found.differences[aspect], one, *told)
    found.same += not any(said.values())


def _path(was: Course, would: Course, own: Package, edited: Package) -> tuple[str, str] | None:
    more, less = would.passed - was.passed, was.passed - would.passed
    if not more and not less:
        return None
    now, then = _named(more, edited), _named(less, own)
    vi = "; ".join(filter(None, (now and f"thêm {now}", then and f"không qua {then}")))
    en = "; ".join(filter(None, (now and f"also {now}", then and f"not {then}")))
    return vi[0].upper() + vi[1:] + ".", en[0].upper() + en[1:] + "."


def _named(elements: Counter[str], package: Package) -> str:
    names = package.element_names
    return ", ".join(f"“{names.get(one, one)}”" + (f" ×{times}" if times > 1 else "")
                     for one, times in sorted(elements.items()))  # fmt: skip


def _late(was: Course, would: Course, own: Package, edited: Package) -> tuple[str, str] | None:
    names_vi = own.element_names | edited.element_names | {CASE: "toàn bộ vụ việc"}
    told = _sets(was.late, would.late, ("Nay quá hạn", "Không còn quá hạn"), ("Late now", "No longer late"), names_vi)
    return told and (told[0], told[1].replace("toàn bộ vụ việc", "the whole case"))


def _sets(
    was: frozenset[str], now: frozenset[str], vi: tuple[str, str], en: tuple[str, str], names: Mapping[str, str]
) -> tuple[str, str] | None:
    """Args:
    vi, en: what is said of those that came, and of those that went.
    """
    if was == now:
        return None
    named = [", ".join(f"“{names.get(one, one)}”" for one in sorted(some)) for some in (now - was, was - now)]
    first, second = (" ".join(f"{words}: {some}." for words, some in zip(said, named, strict=True) if some)
                     for said in (vi, en))  # fmt: skip
    return first, second


def _outcome(
    one: Record, was: Course, would: Course, known: Mapping[str, Mapping[str, str]]
) -> tuple[str, str] | None:
    """Args:
    known: outcomes that type.toml names; an edit could make one of what people said.
    """
    if (was.outcome, was.closed_at is None) == (would.outcome, would.closed_at is None):
        return None
    if would.closed_at is None:
        return "Nay chưa đóng được.", "It would not be closed yet."

    def named(key: str | None, language: str) -> str:
        names = known.get(key or "", {})
        return f"“{names.get(language) or names.get('vi', key)}”"

    if would.outcome not in known and not one.case.visible:
        return (f"Kết quả {named(was.outcome, 'vi')} thành kết quả khác.",
                f"Its outcome {named(was.outcome, 'en')} would be another.")  # fmt: skip
    return (f"Kết quả {named(was.outcome, 'vi')} thành {named(would.outcome, 'vi')}.",
            f"Its outcome {named(was.outcome, 'en')} would be {named(would.outcome, 'en')}.")  # fmt: skip


def _note(groups: list[Group], one: Record, vi: str, en: str) -> None:
    group = next((group for group in groups if group.en == en), None)
    if group is None:
        groups.append(group := Group(vi, en))
    group.cases += 1
    if one.case.visible and len(group.numbers) < NUMBERS_TOLD:
        group.numbers.append(one.case.number)


_WHY_VI = {
    "Somebody put its tokens elsewhere.": "Có người đã dời bước xử lý của nó.",
    "It was moved to another version while it ran.": "Nó đã được chuyển sang phiên bản khác khi đang chạy.",
    "It was joined to another case by hand.": "Nó đã được gộp vào phản ánh khác bằng tay.",
    "It was suspended for a while.": "Nó đã bị treo một thời gian.",
    "A fault of its report type held it up.": "Lỗi của loại phản ánh đã giữ nó lại.",
    "A service answered it when answers were not kept yet.": "Dịch vụ đã trả lời nó khi câu trả lời chưa được lưu.",
    "It was taken for another type, which was suspended.": "Nó được nhận thay cho một loại đang tạm ngừng.",
}
