"""A story of a report type, played with its draft: whether it goes as it says, and which way the case took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import request

from engine.errors import EngineError, InvalidRequest, TooMany
from engine.files import folders
from engine.packages import Files
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import drafts
from webapi.config import ROOT
from webapi.rehearsal import apart, read, stories_in
from webapi.ui import analyst, door, drawn, heat
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, in_language

bp = Pages("ui_rehearsing")
PLAY = f"{analyst.TYPE}/chay-thu"
LONGEST = 100_000  # characters of a story


@bp.read(PLAY)
def show(unit: Unit, caller: Account, code: str) -> Any:
    """The stories that came with the report type; ?kich_ban=STORY puts that one into the text area, else the first."""
    told = stories(code)
    chosen = next((path for path in told if path.stem == request.args.get("kich_ban")), next(iter(told), None))
    return _page(unit, caller, code, chosen.read_text(encoding="utf-8") if chosen else "")


@bp.open("POST", PLAY)
def play(code: str) -> Any:
    story = request.form.get("story", "").replace("\r\n", "\n")
    try:
        played = apart.play(door.reads(playable)(code), code, _measured(story))
    except (InvalidRequest, TooMany) as error:
        return _shown(code, story, error=error)
    return _shown(code, story, played=played)


@bp.read(f"{PLAY}/so-do.bpmn")
def diagram(unit: Unit, caller: Account, code: str) -> Any:
    """What the draft draws of the process that cases start with."""
    package = drafts.show(unit, code, by=caller).package
    return drawn.of(package)


def playable(unit: Unit, caller: Account, code: str) -> list[Files]:
    """The draft's files, and before them those of the report types that its cases start, as they are in force.

    Raises:
        InvalidRequest: the gate finds errors in the draft.
    """
    draft = drafts.show(unit, code, by=caller)
    if any(fault.severity == "error" for fault in drafts.judged(unit, draft)):
        raise InvalidRequest(_("Bản nháp còn lỗi: hãy sửa trước khi chạy thử."), field="draft")
    in_force = {one.code: one.files for one in unit.catalogue.all_current(unit)}
    found: dict[str, Files] = {code: draft.files}
    waiting = [code]
    while waiting:
        fresh = [one for one in folders.started(found[waiting.pop()]) if one in in_force and one not in found]
        found |= {one: in_force[one] for one in fresh}
        waiting += fresh
    return [*found.values()][::-1]


@door.reads
def _shown(unit: Unit, caller: Account, code: str, story: str, **came: Any) -> Any:
    return _page(unit, caller, code, story, **came)


def _page(
    unit: Unit, caller: Account, code: str, story: str, played: Any = None, error: EngineError | None = None
) -> Any:  # fmt: skip
    draft = drafts.show(unit, code, by=caller)
    elements = [_visit(one) for one in played["elements"]] if played else []
    passed = Counter(one["element"] for one in elements)
    return page("ui/rehearsal.html", 422 if error else 200, code=code, name=in_language(draft.names, code),
                draft=draft, stories={path.stem: title(path) for path in stories(code)}, story=story, played=played,
                why=error.detail if error else "", elements=elements, longest=LONGEST,
                passed={element: min(times, heat.LEVELS) for element, times in passed.items()},
                here=sorted({one["element"] for one in elements if one["left_at"] is None}))  # fmt: skip


def _visit(one: dict[str, Any]) -> dict[str, Any]:
    at = {name: datetime.fromisoformat(one[name]) if one[name] else None for name in ("entered_at", "left_at")}
    return one | at


def stories(code: str) -> list[Path]:
    """What lies beside the report type where the server was set up from; elsewhere there is none."""
    beside: Iterable[Path] = sorted((ROOT / "bpmn").glob(f"*/{code}"))
    return [story for folder in beside for story in stories_in(folder)]


def title(path: Path) -> str:
    try:
        return read(path).title
    except InvalidRequest:  # it opens all the same, to be mended
        return path.stem


def _measured(story: str) -> str:
    if not 0 < len(story.strip()) <= LONGEST:
        raise InvalidRequest(_("Hãy chọn hoặc viết một kịch bản, tối đa %(most)s ký tự.", most=LONGEST), field="story")
    return story
