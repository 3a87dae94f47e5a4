"""What agencies are told of a case in texts does not tell those who reported where they may not know it."""

from __future__ import annotations

import pytest

from engine.language.masks import MASK
from engine.notifiers import Message
from engine.work.worker import Worker
from tests.drawing import choice, draw, form
from tests.hotline import LIFE, PROVINCE, TYPE, Hotline
from tests.test_firewall import INTAKE, NAME, PHONE, REPORTER, _Post, found

# the lead agency is told; then the case is as secret as the desk has decided
LETTERS = LIFE.replace("tiep_nhan -> xu_ly", "tiep_nhan -> bao_viec -> bao_mat -> xu_ly").replace(
    "race cho", "tell bao_viec text=I01 to=lead_agency\nscript bao_mat script='secrecy = lop'\nrace cho", 1
)
TELLS = '\n[texts.I01]\nsms = "Việc mới {ma}: {noi_dung}. Nhà {so_nha}."\n'
DESK = form("phan_cong", choice("lead_agency", "ubnd_74_718", "ubnd_74_719"), choice("lop", "C0", "C1", "C2"))
RAISED = {"process__bpmn": draw(LETTERS, "PAKN"), "phan_cong__form": DESK, "province__toml": PROVINCE + TELLS,
          "tiep_nhan_phan_anh__form": INTAKE}  # fmt: skip
HOTLINES = "+842743000000"  # of every agency


def letters(hotline: Hotline) -> list[str]:
    """What agencies are told when the worker has sent everything."""
    sent: list[Message] = []
    Worker(hotline.runtime, {"zalo": _Post([]), "sms": _Post(sent)}).drain()
    return [message.text for message in sent if message.to == HOTLINES]


def begins_to_tell(hotline: Hotline, secrecy: str, house: str, *decided: str) -> str:
    """A case of which the lead agency is told in a text, as often as the desk decides how secret it is."""
    hotline.deploys(type__toml=TYPE.format(secrecy=secrecy), **RAISED)
    said = {"noi_dung": f"{NAME} {PHONE} báo quán ồn", "so_nha": house}
    number = hotline.receives(answers=said, reporter=REPORTER)
    for klass in decided:
        hotline.does("truc", number, lead_agency="ubnd_74_718", lop=klass)
        if klass != decided[-1]:
            task = hotline.task("phuong", number)["id"]
            assert hotline.as_("phuong").post(f"/tasks/{task}/return", {"reason": "Chưa rõ"}).status_code == 200
    return number


@pytest.mark.parametrize(("received_as", "house"), [
    ("C2", "Nhà bốn tầng sơn xanh"), ("C2", "12B"), ("C2", "số 9, hẻm 7"), ("C1", "12B"),
])  # fmt: skip
def test_a_letter_to_an_agency_tells_nobody_who_may_not_know(hotline, received_as, house):
    number = begins_to_tell(hotline, received_as, house, "C2")

    [told] = letters(hotline)

    assert found(told) == [] and house not in told
    assert told == f"Việc mới {number}: {MASK} {MASK} báo quán ồn. Nhà {MASK}."


def test_a_letter_to_an_agency_that_may_know_is_as_it_was_written(hotline):
    number = begins_to_tell(hotline, "C1", "12B", "C1")

    assert letters(hotline) == [f"Việc mới {number}: {NAME} {PHONE} báo quán ồn. Nhà 12B."]


def test_a_letter_that_waited_while_its_case_was_raised_tells_no_more_than_one_written_then(hotline):
    number = begins_to_tell(hotline, "C0", "Nhà bốn tầng, sơn xanh - cổng đỏ", "C0", "C2")
    owed = hotline.as_("phantich").get("/outbox", case=number).json["items"]

    told = letters(hotline)

    assert told == [f"Việc mới {number}: {MASK} {MASK} báo quán ồn. Nhà {MASK}."] * 2
    texts = [one["payload"]["text"] for one in owed if one["topic"] == "I01"]
    assert texts == told  # nor does the analyst, who sees what is owed
