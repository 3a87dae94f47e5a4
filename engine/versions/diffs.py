"""What differs between two versions of a report type, in sentences about what people drew and wrote.

Both are read as parts (`engine.versions.anatomy`) and compared part by part. Where something was only moved in the
drawing, or a table of type.toml is written in another order, nothing differs, and that is said. What a version would
mean for the cases that run, `engine.versions.migrations` knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from engine import packages
from engine.errors import InvalidRequest, NotFound
from engine.model import definitions
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.versions import anatomy, migrations
from engine.versions.anatomy import Key, Part
from engine.versions.migrations import Preview

LONGEST = 160  # characters of a value in a sentence
HOW = ("added", "removed", "changed")
_ASPECTS = {  # Vietnamese, English
    "name": ("tên", "name"), "next": ("bước tiếp theo", "what follows"), "condition": ("điều kiện", "condition"),
    "group": ("đơn vị", "group"), "form": ("biểu mẫu", "form"), "timer": ("hẹn giờ", "timer"),
    "kind": ("loại", "kind"), "event": ("sự kiện", "event"), "attached": ("nơi gắn", "attached to"),
    "interrupting": ("cách ngắt", "interrupting"), "calls": ("quy trình được gọi", "process called"),
    "script": ("mã lệnh", "script"), "several": ("cách lặp lại", "repetition"), "value": ("nội dung", "content"),
    "order": ("thứ tự", "order"), "hit policy": ("cách chọn dòng", "hit policy"), "inputs": ("đầu vào", "inputs"),
    "outputs": ("đầu ra", "outputs"), "expression": ("biểu thức", "expression"), "term": ("thời hạn", "term"),
    "calendar": ("lịch", "calendar"), "warn": ("mốc nhắc", "warning"), "source": ("căn cứ", "source"),
    "status": ("trạng thái", "status"), "outcome": ("kết quả", "outcome"), "text": ("mẫu tin", "text"),
    "to": ("người nhận", "recipient"), "label": ("nhãn", "label"), "decisionRef": ("bảng quyết định", "decision"),
    "validate.required": ("bắt buộc", "required"), "values": ("lựa chọn", "choices"), "topic": ("dịch vụ", "service"),
    "id": ("mã", "id"), "vi": ("tên tiếng Việt", "Vietnamese name"), "en": ("tên tiếng Anh", "English name"),
    "citizen": ("lời cho người dân", "words for citizens"), "sms": ("tin nhắn SMS", "text message"),
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: of what: one of `anatomy.KINDS`; ``how``: one of `HOW`.
        aspect: what of it changed (``group``, ``condition``, …); ``None`` for what came, went, or differs otherwise.
        id: of the element, row, question or entry of a table.
        elements: the drawn elements and flows to mark for it, in either version.
        vi, en: a sentence.
    """

    kind: str
    how: str
    aspect: str | None
    file: str
    id: str
    elements: list[str]
    vi: str
    en: str


@dataclass(frozen=True)
class Difference:
    """Between two versions.

    Attributes:
        changes: by file, as the newer version has them; what was removed comes last.
        renamed: elements that are the same but for their id, old -> new: what a migration needs to be told.
        vi, en: all of it in a sentence.
        impact: what would become of the running cases of all other versions; ``None`` if that is not to be told.
    """

    old: Package
    new: Package
    changes: list[Change]
    renamed: dict[str, str]
    vi: str
    en: str
    impact: Preview | None = None


# -- versions that are there, or are to be ---------------------------------------------------------------------------


def of_versions(unit: Unit, definition_id: int, other_id: int | None = None, *, by: Account) -> Difference:
    """What a deployed version changes.

    Args:
        other_id: the version it is compared with; left out, the one in force, or if it is that itself, the one before.

    Raises:
        NotFound: there is no such version, or none to compare it with.
        InvalidRequest: they are versions of two report types.
    """
    new = unit.catalogue.pinned(unit, definition_id)
    old = unit.catalogue.pinned(unit, other_id) if other_id is not None else _before(unit, new)
    if old.code != new.code:
        raise InvalidRequest(f"These are versions of two report types, {old.code} and {new.code}.", field="with")
    return told(unit, old, new, by=by)


def of_files(unit: Unit, files: Mapping[str, str], other_id: int | None = None, *, by: Account) -> Difference:
    """What a package that is not deployed would change.

    Args:
        other_id: as for `of_versions`; left out, the one in force.

    Raises:
        NotAllowed: the account may not deploy.
        InvalidPackage: it has faults; ``faults`` lists every one.
        NotFound, InvalidRequest: as for `of_versions`.
    """
    access.require(by, "deploy")
    new = packages.faultless(unit, files)
    old = unit.catalogue.pinned(unit, other_id) if other_id is not None else unit.catalogue.current(unit, new.code)
    if old.code != new.code:
        raise InvalidRequest(f"This is no version of {new.code}, but of {old.code}.", field="with")
    return told(unit, old, new, by=by)


def told(unit: Unit, old: Package, new: Package, *, by: Account) -> Difference:
    """The difference, with its impact if this account may move cases."""
    found = compared(old, new)
    impact = migrations.preview(unit, new, None, found.renamed, by=by) if may_move(unit, new, by) else None
    return replace(found, impact=impact)


def compared(old: Package, new: Package) -> Difference:
    """The difference, without what it means for the cases that run."""
    changes, renamed = between(old, new)
    return Difference(old, new, changes, renamed, *_summed_up(old, new, changes))


def may_move(unit: Unit, new: Package, by: Account) -> bool:
    return access.allows(by, "migrate", Target(province=str(new.province["code"]), report_type=new.code), unit)


def _before(unit: Unit, new: Package) -> Package:
    current = unit.catalogue.current(unit, new.code)
    if current.id != new.id:
        return current
    earlier = select(definitions.c.id).where(definitions.c.key == new.code, definitions.c.version < new.version)
    found = unit.scalar(earlier.where(definitions.c.refused_at.is_(None)).order_by(definitions.c.version.desc()))
    if found is None:
        raise NotFound(f"{new.code} has no version before {new.version} to compare it with.")
    return unit.catalogue.pinned(unit, found)


# -- comparing -------------------------------------------------------------------------------------------------------


def between(old: Package, new: Package) -> tuple[list[Change], dict[str, str]]:
    """Every difference, and the elements that only got another id (old -> new)."""
    renamed = _renamed(old, new)
    before, after = anatomy.parts(old, renamed), anatomy.parts(new)
    moved = _same_elsewhere(before, after)
    found = [_has_new_id(was, now, after) for was, now in renamed.items()]
    for key, part in after.items():
        if key in before:
            found += _changed(before[key], part)
        elif key not in moved and _is_told(part, before):
            found.append(_came(part, "added", "Thêm"))
    gone = (part for key, part in before.items() if key not in after and key not in moved and _is_told(part, after))
    return found + [_came(part, "removed", "Bỏ") for part in gone], renamed


def _renamed(old: Package, new: Package) -> dict[str, str]:
    """Elements that one version has and the other has not, of the same kind and name, if there is but one of that."""
    steps = [{node.id: (node.kind, node.name) for diagram in anatomy.diagrams(package) for node in diagram.nodes()}
             for package in (old, new)]  # fmt: skip
    gone, came = ({id: what for id, what in one.items() if id not in other and what[1]}
                  for one, other in (steps, reversed(steps)))  # fmt: skip
    found = {}
    for was, what in gone.items():
        same = [now for now, one in came.items() if one == what]
        if len(same) == 1 and list(gone.values()).count(what) == 1:
            found[was] = same[0]
    return found


def _has_new_id(was: str, now: str, parts: Mapping[Key, Part]) -> Change:
    part = next(one for one in parts.values() if one.kind == "step" and one.id == now)
    return Change("step", "changed", "id", part.file, now, [was, now],
                  _sentence(f"{part.vi} mang mã mới: {was} nay là {now}."),
                  _sentence(f"{part.en} has a new id: {was} is {now} now."))  # fmt: skip


def _same_elsewhere(before: Mapping[Key, Part], after: Mapping[Key, Part]) -> set[Key]:
    """Rows of decisions that say the same in both versions, though their ids differ."""
    gone = {key: part for key, part in before.items() if part.kind == "rule" and key not in after}
    found: set[Key] = set()
    for key, part in after.items():
        if part.kind == "rule" and key not in before:
            same = next((one for one, other in gone.items() if one not in found and other.within == part.within
                         and other.aspects == part.aspects), None)  # fmt: skip
            found |= {key, same} if same else set()
    return found


def _is_told(part: Part, others: Mapping[Key, Part]) -> bool:
    """A part that came or went with what it belongs to is not told as well; a flow is, with the step it leaves."""
    return part.kind != "flow" and (part.within is None or part.within in others)


def _came(part: Part, how: str, verb: str) -> Change:
    said = f": {_short(part.aspects['value'])}" if "value" in part.aspects else ""
    return Change(part.kind, how, None, part.file, part.id, list(part.elements),
                  f"{verb} {part.vi}{said}.", _sentence(f"{part.en} was {how}{said}."))  # fmt: skip


def _changed(old: Part, new: Part) -> Iterator[Change]:
    elements = list(dict.fromkeys((*new.elements, *old.elements)))
    unlike = False
    for aspect in dict.fromkeys((*old.aspects, *new.aspects)):
        was, now = old.aspects.get(aspect), new.aspects.get(aspect)
        if aspect == "order" and was and now:  # what came or went is told as such
            was, now = [one for one in was if one in now], [one for one in now if one in was]
        if was == now or not (was or now or isinstance(was, bool) or isinstance(now, bool)):
            continue
        unlike = True
        before, after = _told_apart(old.shown.get(aspect, was), new.shown.get(aspect, now))
        word_vi, word_en = _ASPECTS.get(aspect, (aspect, aspect))
        said = {
            (True, False): (f"thêm {word_vi} {after}", f"{word_en} {after} was added"),
            (False, True): (f"bỏ {word_vi} {before}", f"{word_en} {before} was removed"),
        }.get((not before, not after), (f"{word_vi} đổi từ {before} thành {after}",
                                        f"{word_en} changed from {before} to {after}"))  # fmt: skip
        yield Change(new.kind, "changed", aspect, new.file, new.id, elements,
                     _sentence(f"{new.vi}: {said[0]}."), _sentence(f"{new.en}: {said[1]}."))  # fmt: skip
    if not unlike and old.whole != new.whole:
        yield Change(new.kind, "changed", None, new.file, new.id, elements,
                     _sentence(f"{new.vi}: một thiết lập khác đã đổi; xem trong tệp {new.file}."),
                     _sentence(f"{new.en}: something else was changed; see {new.file}."))  # fmt: skip


# -- sentences -------------------------------------------------------------------------------------------------------


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _told_apart(was: Any, now: Any) -> tuple[str, str]:
    """Both as a sentence shows them; of long ones, where they begin to differ."""
    before, after = _words(was), _words(now)
    if before and after and max(len(before), len(after)) > LONGEST:
        same = next((n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
                    min(len(before), len(after)))  # fmt: skip
        skip = max(0, same - LONGEST // 4)
        before, after = ("…" * bool(skip) + one[skip:] for one in (before, after))
    return _cut(before), _cut(after)


def _short(value: Any) -> str:
    return _cut(_words(value))


def _words(value: Any) -> str:
    if value in (None, "", [], {}) and not isinstance(value, bool):
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _summed_up(old: Package, new: Package, changes: list[Change]) -> tuple[str, str]:
    if changes:
        counts = {how: sum(one.how == how for one in changes) for how in HOW}
        return (f"{counts['added']} phần thêm, {counts['removed']} phần bỏ, {counts['changed']} thay đổi.",
                f"{counts['added']} added, {counts['removed']} removed, {counts['changed']} changed.")  # fmt: skip
    if old.files == new.files:
        return "Hai phiên bản giống hệt nhau.", "Both versions are the same to the letter."
    return ("Chỉ khác cách vẽ và cách viết; nội dung không đổi.",
            "Only how it is drawn and written down differs; nothing that it means.")  # fmt: skip


def impact_told(impact: Preview) -> tuple[str, str]:
    """Vietnamese and English: how many of the running cases can follow; the reasons are in ``impact.cannot``."""
    stay = impact.running - impact.can_move
    return (f"{impact.running} phản ánh đang chạy; {impact.can_move} chuyển được, {stay} không.",
            f"{impact.running} running; {impact.can_move} can move, {stay} cannot.")  # fmt: skip
