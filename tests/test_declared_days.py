"""Days off and make-up days that were announced at short notice: what runs follows, and says so."""

from __future__ import annotations

import pytest

from engine.work.worker import Worker
from tests.hotline import PROVINCE, TYPE, Hotline, refused
from tests.test_ui_office import enters
from tests.visitor import Page, style_free

OFFICE = """
[calendars.hanh_chinh]
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["07:30-11:30", "13:30-17:00"]
holidays = "VN"
"""
PAGE = "/quan-tri/lich"
WHY = "Công điện 08/CĐ-TTg"
BY_THE_RULES = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # that no database knows of


@pytest.fixture
def office(hotline: Hotline) -> Hotline:
    """A case has three working days, a step one."""
    kind = TYPE.format(secrecy="C1").replace('"PT5H", calendar = "24/7"', '"P3D", calendar = "hanh_chinh"')
    hotline.deploys(province__toml=PROVINCE + OFFICE,
                    type__toml=kind.replace('"PT4H", calendar = "24/7"', '"P1D", calendar = "hanh_chinh"'))  # fmt: skip
    return hotline


def declares(hotline: Hotline, day: str, kind: str = "off") -> Page:
    """The administrator looks at what it would move, and confirms; the page that follows."""
    admin = enters(hotline, "quantri")
    page = admin.opens(f"{PAGE}?tinh=74")
    looked = admin.sends(page, form=_form(page, "/xem-truoc"), day=day, kind=kind, reason=WHY)
    return admin.sends(looked, form=_form(looked, "/cong-bo"))


def _form(page: Page, step: str) -> int:
    forms = [form.get("action", "").partition("?")[0] for form in page.find("//main//form")]
    return next(n for n, action in enumerate(forms) if action.endswith(step))


def follows(hotline: Hotline) -> int:
    hotline.waits(0.02)
    return Worker(hotline.runtime, {}).follow_days()


def due(hotline: Hotline, number: str) -> str:
    return str(hotline.case(number)["due_at"])[:16]


def stories(hotline: Hotline, number: str) -> dict[str, list[str]]:
    items = hotline.as_("vanphong").get(f"/cases/{number}/deadlines").json["items"]
    return {one["name"]: [entry["what"] for entry in one["story"]] for one in items}


def test_a_day_off_moves_what_runs_once_and_what_begins_later(office: Hotline):
    number = office.assigned()
    assert due(office, number) == "2021-09-09T00:30"  # three working days from Monday, the 6th, 7:30

    page = declares(office, "2021-09-07")
    assert "Đã công bố" in page.text and "đang tính lại" in page.text and WHY in page.text
    begun_later = office.assigned()
    assert [follows(office), follows(office)] == [1, 0]
    assert due(office, number) == due(office, begun_later) == "2021-09-10T00:30"
    assert stories(office, number) == {"case": ["term", "days-declared"], "xu_ly": ["term", "days-declared"]}
    assert stories(office, begun_later)["case"] == ["term"]
    assert "tính lại xong lúc" in enters(office, "quantri").opens(f"{PAGE}?tinh=74").text
    told = enters(office, "vanphong").opens(f"/vu-viec/{number}").text
    assert "hạn từ 07:30 09/09/2021 thành 07:30 10/09/2021. Công điện 08/CĐ-TTg" in told
    late = {}
    for hours in (24 * 6.9, 5):  # the 10th, before and after 7:30
        office.waits(hours)
        Worker(office.runtime, {}).work()
        late[hours] = office.case(number)["breached_at"]
    assert list(map(bool, late.values())) == [False, True]


@BY_THE_RULES
def test_what_would_move_is_looked_at_first_and_nothing_is_changed_by_looking(office: Hotline):
    number = office.assigned()
    admin = enters(office, "quantri")
    page = admin.opens(f"{PAGE}?tinh=74")
    at = _form(page, "/xem-truoc")
    looked = admin.sends(page, form=at, day="2021-09-07", kind="off", reason=WHY)
    assert "Hạn của một vụ việc đang mở" in looked.text and style_free(looked)
    (row,) = looked.find("//*[@id='xem-truoc']//tbody/tr")
    assert [one.text_content() for one in row] == [number, "07:30 09/09/2021", "07:30 10/09/2021"]
    worked = admin.sends(page, form=at, day="2021-09-04", kind="worked", reason=WHY)
    (row,) = worked.find("//*[@id='xem-truoc']//tbody/tr")
    assert row[2].text_content() == "07:30 08/09/2021"
    assert "Không vụ việc" in admin.sends(page, form=at, day="2021-10-01", kind="off", reason=WHY).text
    assert due(office, number) == "2021-09-09T00:30" and follows(office) == 0
    for wrong, why in (({"day": "2021-09-02"}, "Ngày ấy đã qua"), ({"day": "x"}, "Hãy chọn một ngày"),
                       ({"kind": "usual"}, "đã công bố như vậy rồi"), ({"reason": " "}, "Hãy ghi lý do")):  # fmt: skip
        again = admin.sends(page, form=at, **{"day": "2021-09-07", "kind": "off", "reason": WHY} | wrong)
        assert again.status == 422 and why in again.text, wrong


@BY_THE_RULES
def test_a_day_is_taken_back_and_a_paused_case_follows_when_it_runs_again(office: Hotline):
    number, paused = office.assigned(), office.assigned()
    by = office.as_("vanphong")
    by.post(f"/cases/{paused}/pause", {"reason": "Chờ"}, If_Match=office.case(paused)["etag"])
    declares(office, "2021-09-07")
    by.post(f"/cases/{number}/pause", {"reason": "Chờ"}, If_Match=office.case(number)["etag"])  # before the workers
    assert stories(office, number)["case"] == ["term", "days-declared", "pause"]
    assert follows(office) == 1
    for one in (number, paused):
        assert stories(office, one)["case"] == ["term", "days-declared", "pause"]
        assert by.post(f"/cases/{one}/resume", {}, If_Match=office.case(one)["etag"]).status_code == 200
        assert due(office, one) == "2021-09-10T00:30"

    declares(office, "2021-09-07", "usual")
    assert follows(office) == 2
    assert {due(office, one) for one in (number, paused)} == {"2021-09-09T00:30"}


@BY_THE_RULES
def test_other_calendars_and_others_stay(office: Hotline, hotline: Hotline):
    clock_round = TYPE.format(secrecy="C1")
    office.deploys(province__toml=PROVINCE + OFFICE, type__toml=clock_round)
    number = office.assigned()
    before = due(office, number)
    declares(office, "2021-09-03")
    assert follows(office) == 0 and due(office, number) == before
    token = enters(office, "vanphong").opens("/tai-khoan").find("//meta[@name='csrf-token']/@content")[0]
    body = {"csrf_token": token, "province": "74", "day": "2021-09-08", "kind": "off", "reason": WHY}
    for step in ("xem-truoc", "cong-bo"):
        assert enters(office, "phuong").posts(f"{PAGE}/{step}", body).status in (400, 403)


@BY_THE_RULES
def test_two_days_that_are_swapped_move_the_warning_though_not_the_due_time(office: Hotline):
    number = office.assigned()

    def case_term() -> tuple[str, str]:
        items = office.as_("vanphong").get(f"/cases/{number}/deadlines").json["items"]
        (own,) = [one for one in items if one["name"] == "case"]
        return own["warn_at"][:16], own["due_at"][:16]

    assert case_term() == ("2021-09-08T03:30", "2021-09-09T00:30")
    declares(office, "2021-09-04", "worked")
    declares(office, "2021-09-08")

    assert follows(office) == 1
    assert case_term() == ("2021-09-07T03:30", "2021-09-09T00:30")


@BY_THE_RULES
def test_whoever_reads_for_long_does_not_bring_back_what_was_before_a_day_was_declared(office: Hotline):
    known = office.runtime.catalogue.declared
    with office.runtime.read() as long_ago:
        known.of(long_ago)
        office.waits(0.5)
        declares(office, "2021-09-07")
        with office.runtime.read() as now:
            assert len(known.of(now)["74"]) == 1
        assert len(known.of(long_ago)["74"]) == 1


# -- for programs --------------------------------------------------------------------------------------------------

DAYS = "/declared-days"


def test_a_program_looks_at_a_day_declares_it_once_and_takes_it_back(office: Hotline):
    number, admin = office.assigned(), office.as_("quantri")
    day = {"province": "74", "day": "2021-09-07", "kind": "off", "reason": WHY}

    looked = admin.get(f"{DAYS}/preview", **day, limit="1")
    assert looked.json["cases"] == 1
    (move,) = looked.json["moves"]
    assert [move["number"], move["was"][:16], move["due_at"][:16]] == [number, "2021-09-09T00:30", "2021-09-10T00:30"]
    assert admin.get(DAYS, province="74").json["items"] == []  # nothing is changed by looking

    made, again = (admin.post(DAYS, day, Idempotency_Key="bao-so-5") for _ in range(2))
    assert made.status_code == 201 and made.json == again.json
    assert (made.json["by"], made.json["followed_at"]) == ("quantri", None)
    assert follows(office) == 1 and due(office, number) == "2021-09-10T00:30"
    assert admin.get(made.headers["Location"].removeprefix("/api/v1")).json["followed_at"] is not None

    assert admin.post(DAYS, day | {"kind": "usual"}).status_code == 201
    assert follows(office) == 1 and due(office, number) == "2021-09-09T00:30"
    first = admin.get(DAYS, province="74", limit="1").json
    second = admin.get(DAYS, province="74", limit="1", after=first["after"]).json
    assert [one["kind"] for one in (*first["items"], *second["items"])] == ["usual", "off"] and second["after"] is None


@BY_THE_RULES
def test_a_program_hears_what_is_wrong_with_a_day_in_one_sentence(office: Hotline):
    admin, day = office.as_("quantri"), {"province": "74", "day": "2021-09-07", "kind": "off", "reason": WHY}
    for wrong, said in (({"day": "2021-09-02"}, "has passed"), ({"province": "99"}, "no province '99'"),
                        ({"kind": "usual"}, "declared of this day already")):  # fmt: skip
        assert said in refused(admin.post(DAYS, day | wrong), 422, "invalid-request"), wrong
        assert said in refused(admin.get(f"{DAYS}/preview", **day | wrong), 422, "invalid-request"), wrong
    for missing in ("day", "kind", "reason"):
        said = {name: value for name, value in day.items() if name != missing}
        assert missing in admin.post(DAYS, said).json["errors"], missing
    del day["province"]
    assert "Say which province" in refused(admin.post(DAYS, day), 422, "invalid-request")


@BY_THE_RULES
@pytest.mark.parametrize("login", ["vanphong", "phuong", "phantich", "mattran"])
def test_days_are_declared_by_the_administrator_alone(office: Hotline, login: str):
    day = {"province": "74", "day": "2021-09-07", "kind": "off", "reason": WHY}
    made = office.as_("quantri").post(DAYS, day).json["id"]
    who = office.as_(login)
    for answer in (who.get(DAYS, province="74"), who.get(f"{DAYS}/preview", **day), who.post(DAYS, day)):
        refused(answer, 403, "not-allowed")
    refused(who.get(f"{DAYS}/{made}"), 404, "not-found")
