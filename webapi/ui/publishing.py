"""What the public is told of closed cases: what waits for it, the text, the second person, taking it back.

docs/publishing.md says when something is shown; here are its buttons, and its refusals in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request, url_for

from engine.errors import EngineError, InvalidRequest, NotFound, WrongState
from engine.people.access import Account
from engine.public import publications
from engine.public.publications import TEXTS
from engine.reasons import REASON_MAX
from engine.runtime import Unit
from engine.statistics import overview
from webapi.ui import door, dossier, office, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_publishing")
CASE = "/tinh/cong-bo/<name:number>"
ROWS = 25

Step = Callable[[Unit, Account, str, Mapping[str, str]], Any]
STEPS: dict[str, Step] = {
    "cong-bo": lambda unit, by, case, said: publications.publish(unit, by, case, _texts(said)),
    "duyet": lambda unit, by, case, said: publications.approve(unit, by, case),
    "rut-lai": lambda unit, by, case, said: publications.withdraw(unit, by, case, said.get("reason", "")),
    "khong-cong-bo": lambda unit, by, case, said: publications.withhold(unit, by, case, said.get("reason", "")),
}


@bp.read("/tinh/cong-bo")
def index(unit: Unit, caller: Account) -> Any:
    waiting = publications.queue(unit, caller, ROWS, request.args.get("after"))
    shown = publications.published(unit, caller.province, limit=ROWS, after=request.args.get("sau"))
    codes = {row["area"] for row in waiting.items if row["area"]}
    areas = {code: in_language(name) for code, name in overview.area_names(unit, codes).items()}
    return page("ui/publishing.html", waiting=waiting, shown=shown, areas=areas, types=office.type_names(unit))


@bp.read(CASE)
def show(unit: Unit, caller: Account, number: str) -> Any:
    return _page(unit, caller, number)


@bp.open("POST", f"{CASE}/<name:step>")
def act(number: str, step: str) -> Any:
    """Propose or publish, approve, withdraw, decide against it. Texts that were refused are asked again."""
    if step not in STEPS:
        raise NotFound(f"There is no step {step!r}.")
    try:
        row = door.changes(lambda unit, caller: STEPS[step](unit, caller, number, request.form))()
    except (InvalidRequest, WrongState) as error:
        return _asked_again(number, error) if step == "cong-bo" and "errors" in error.facts else \
            pages.undone(_refusal(step, error), url_for("ui_publishing.show", number=number))  # fmt: skip
    return done(_done(state(row)), "ui_publishing.show", number=number)


@door.reads
def _asked_again(unit: Unit, caller: Account, number: str, error: EngineError) -> Any:
    return _page(unit, caller, number, request.form, _faults(error, request.form))


def _page(unit: Unit, caller: Account, number: str, said: Any = None, faults: Mapping[str, str] | None = None) -> Any:
    row = publications.show(unit, caller, number)
    texts = said or {name: getattr(row, name) for name in TEXTS}
    return page("ui/publication.html", 422 if faults else 200, row=row, state=state(row), texts=texts, most=TEXTS,
                faults=faults or {}, labels=_labels(), **dossier.of(unit, caller, number))  # fmt: skip


def state(row: Any) -> str:
    """How far a case's publication is: undecided, proposed, published, withdrawn, or withheld."""
    if row.at is None:
        return "undecided"
    if row.withheld is not None:
        return "withheld"
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "published" if row.approved_at is not None else "proposed"


def _texts(said: Mapping[str, str]) -> dict[str, str]:
    return {name: said.get(name, "").replace("\r\n", "\n") for name in TEXTS}


# -- words ---------------------------------------------------------------------------------------------------------


def _labels() -> dict[str, str]:
    return {"subject": _("Tiêu đề"), "words": _("Người dân phản ánh điều gì"), "result": _("Kết quả giải quyết")}


def _faults(error: EngineError, said: Mapping[str, str]) -> dict[str, str]:
    """For each text that was refused: its length, or somebody is in it."""
    texts = _texts(said)
    return {name: _fault(texts[name].strip(), TEXTS[name]) for name in error.facts["errors"]}


def _fault(text: str, most: int) -> str:
    if not 0 < len(text) <= most:
        return _("Hãy viết từ 1 đến %(most)s ký tự.", most=most)
    return _("Trong mục này có số điện thoại, thư điện tử hoặc họ tên của một người trong vụ việc: hãy bỏ ra.")


def _done(now: str) -> str:
    return {
        "proposed": _("Đã ghi. Một người khác phải duyệt thì nội dung mới được công bố."),
        "published": _("Đã công bố."),
        "withdrawn": _("Đã rút lại: không ai xem được nội dung này nữa."),
        "withheld": _("Đã quyết định không công bố."),
    }[now]


def _refusal(step: str, error: EngineError) -> str:
    if error.code == "wrong-state":
        undecided = _("Chưa ghi được: vụ việc còn đang mở, không công khai, hoặc đã công bố rồi (phải rút lại trước).")
        return {
            "duyet": _("Chưa duyệt được: phải là người khác với người soạn, và nội dung còn đang chờ duyệt."),
            "rut-lai": _("Chưa rút lại được: không có nội dung nào đang công bố hoặc chờ duyệt."),
        }.get(step, undecided)
    if step == "duyet":
        return _("Chưa duyệt được: nội dung có dữ liệu của một người trong vụ việc. Hãy sửa lại.")
    return _("Chưa làm được: hãy ghi lý do, tối đa %(most)s ký tự.", most=REASON_MAX)
