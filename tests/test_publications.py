"""Results are published as somebody edited them, of public cases only, and never with a person in them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import select, update

from engine import model
from tests.hotline import TYPE, Hotline, refused

TEXTS = {"subject": "Tụ tập ở chợ", "words": "Người dân báo có tụ tập đông người.", "result": "Đã nhắc nhở, giải tán."}
SHOWING = 'public = ["description"]\n'
APPROVED = "\n[publication]\napproval = true\n"


@pytest.fixture
def public(hotline: Hotline) -> Hotline:
    """The type PAKN is public, and shows what was reported."""
    deploys(hotline)
    return hotline


def deploys(hotline: Hotline, secrecy: str = "C0", after: str = "") -> None:
    hotline.deploys(type__toml=SHOWING + TYPE.format(secrecy=secrecy) + after)


def decides(hotline: Hotline, number: str, body: Any = TEXTS, *, login: str = "vanphong", what: str = "") -> Any:
    return hotline.as_(login).post(f"/cases/{number}/publication{what}", body)


def published(hotline: Hotline, **query: Any) -> list[str]:
    answer = hotline.as_(None).get("/published", **query)
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json["items"]]


def listed(hotline: Hotline, number: str) -> Any:
    [case] = hotline.as_(None).client.get(f"/open311/v2/requests/{number}.json").json
    return case["description"], case["status_notes"]


def waiting(hotline: Hotline) -> list[Any]:
    items = hotline.as_("vanphong").get("/publications/queue").json["items"]
    return [(item["number"], item["proposed"] and item["proposed"]["by"]) for item in items]


def test_a_result_is_published_as_it_was_edited(public: Hotline) -> None:
    number = public.settled()
    assert waiting(public) == [(number, None)]
    assert listed(public, number)[0] == "Tụ tập đông người tại chợ"

    made = decides(public, number, login="truc").json

    assert (made["by"], made["approved_by"], made["approved_at"]) == ("truc", None, made["at"])
    [item] = public.as_(None).get("/published").json["items"]
    assert {name: item[name] for name in TEXTS} == TEXTS
    assert set(item) == {"number", "report_type", "province", "area", "closed_at", "published_at", *TEXTS}
    assert listed(public, number) == (TEXTS["words"], TEXTS["result"])
    assert waiting(public) == []
    refused(decides(public, number), 409, "wrong-state")


def test_a_second_person_approves_where_the_type_asks_for_it(public: Hotline) -> None:
    deploys(public, after=APPROVED)
    number = public.settled()
    refused(decides(public, number, None, what="/approve"), 409, "wrong-state")
    decides(public, number, login="truc")
    assert (published(public), waiting(public)) == ([], [(number, "truc")])
    assert listed(public, number)[0] is None

    assert "Somebody else" in refused(decides(public, number, None, login="truc", what="/approve"), 409, "wrong-state")
    assert decides(public, number, None, what="/approve").json["approved_by"] == "vanphong"

    assert (published(public), waiting(public)) == ([number], [])
    refused(decides(public, number, None, what="/approve"), 409, "wrong-state")


def test_what_is_withdrawn_is_gone_and_waits_again(public: Hotline) -> None:
    number = public.settled()
    refused(decides(public, number, {"reason": "x"}, what="/withdraw"), 409, "wrong-state")
    decides(public, number)

    made = decides(public, number, {"reason": "Sai tên chợ"}, what="/withdraw").json

    assert (made["withdrawn_by"], made["withdrawn_reason"]) == ("vanphong", "Sai tên chợ")
    assert (published(public), waiting(public)) == ([], [(number, None)])
    assert listed(public, number)[0] is None
    decides(public, number)
    assert published(public) == [number]


def test_a_decision_not_to_publish_hides_the_citizens_words_too(public: Hotline) -> None:
    number = public.settled()

    made = decides(public, number, {"reason": "Việc riêng của một gia đình"}, what="/not-published").json

    assert (made["withheld"], made["words"]) == ("Việc riêng của một gia đình", None)
    assert (published(public), waiting(public), listed(public, number)[0]) == ([], [], None)


@pytest.mark.parametrize("secrecy", ["C1", "C2", "C3", "C4"])
def test_nothing_secret_is_ever_published(hotline: Hotline, secrecy: str) -> None:
    deploys(hotline, secrecy)
    hotline.names("truc", "phuong", "vanphong")
    number = hotline.settled(by="app") if secrecy != "C4" else hotline.receives()
    refused(decides(hotline, number), 403, "not-allowed")
    refused(decides(hotline, number, {"reason": "x"}, what="/not-published"), 403, "not-allowed")
    assert (waiting(hotline), published(hotline)) == ([], [])


@pytest.mark.parametrize("whose", ["case", "type"])
def test_what_becomes_secret_later_is_gone_at_once(public: Hotline, whose: str) -> None:
    number = public.settled()
    decides(public, number)
    assert published(public) == [number]

    if whose == "type":
        deploys(public, "C1")
        refused(decides(public, public.as_("vanphong").get(f"/cases/{number}").json["number"]), 409, "wrong-state")
    else:
        with public.runtime.begin() as unit:
            unit.execute(update(model.cases).where(model.cases.c.number == number).values(secrecy="C2"))

    assert published(public) == []


def test_a_case_that_is_opened_again_is_not_shown_as_solved(public: Hotline) -> None:
    number = public.settled()
    decides(public, number)

    answer = public.as_("vanphong").post(f"/cases/{number}/reopen", {"reason": "Chưa xong"},
                                         If_Match=public.case(number)["etag"])  # fmt: skip

    assert answer.status_code == 200, answer.text
    assert (published(public), listed(public, number)[0]) == ([], None)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Gọi 0912345678", "telephone number"), ("Gọi +84 912 345 678 nhé", "telephone number"),
        ("Gọi 0912.345.678", "telephone number"), ("thư: BINH@example.vn", "e-mail address"),
        ("Ông NGUYỄN VĂN BÌNH báo", "full name"), ("ong nguyen  van binh", "full name"),
        ("Bà Trần Thị Lụa", "full name"),
    ],
)  # fmt: skip
def test_a_text_with_a_person_in_it_is_refused(public: Hotline, text: str, what: str) -> None:
    number = public.settled(reporter={"name": "Nguyễn Văn Bình", "phone": "0912345678", "email": "binh@example.vn"},
                            beneficiary={"name": "Trần Thị Lụa", "phone": "0987654321"})  # fmt: skip
    for field in TEXTS:
        sentence = refused(decides(public, number, TEXTS | {field: text}), 422, "invalid-request")
        assert sentence == f"{field}: It has the {what} of a person of this case: take it out."
    assert published(public) == []
    assert decides(public, number, TEXTS | {"result": "Bà Bình ở Bình Dương, gọi 0274 1022 1022"}).status_code == 200


def test_an_open_case_has_no_result(public: Hotline) -> None:
    number = public.assigned()
    refused(decides(public, number), 409, "wrong-state")
    refused(decides(public, number, TEXTS | {"result": " "}), 422, "invalid-request")
    refused(decides(public, "1022.BD.20210903.99999"), 404, "not-found")


@pytest.mark.parametrize("login", ["phuong", "yte", "mattran", "phantich", "quantri", "app"])
def test_who_may_not_publish(public: Hotline, login: str) -> None:
    number = public.settled()
    assert decides(public, number, login=login).status_code in (403, 404)
    assert public.as_(login).get("/publications/queue").json["items"] == []


def test_the_public_list_is_paged_narrowed_and_a_spreadsheet(public: Hotline) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(public.settled())
        decides(public, numbers[-1], TEXTS | {"subject": "=1+1"})
    reader = public.as_(None)

    first = reader.get("/published", limit=2).json
    assert [item["number"] for item in first["items"]] == [numbers[2], numbers[1]]
    assert published(public, after=first["after"]) == [numbers[0]]
    assert len(published(public, province="BD", report_type="PAKN", period="2021-09-03")) == 3
    assert published(public, period="2021-09-02") == published(public, report_type="KHAC") == []
    refused(reader.get("/published", province="XX"), 404, "not-found")
    for period in ("hôm nay", "0001-01-01", "9999-12"):
        refused(reader.get("/published", period=period), 422, "invalid-request")
    refused(reader.get("/published", after="x"), 422, "invalid-request")
    sheet = reader.get("/published/sheet.csv", limit=2)
    assert sheet.data.decode("utf-8-sig").splitlines()[1].split(",")[6] == "'=1+1"
    assert reader.get(sheet.headers["Link"].split(">")[0][1:]).data.count(b"\n") == 2


# -- open data in bulk -------------------------------------------------------------------------------------------------


def bulk(hotline: Hotline, month: str = "2021-09", province: str = "BD") -> dict[str, str]:
    answer = hotline.as_(None).get(f"/open-data/{province}/{month}")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip"), answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as files:
        return {name.partition("/")[2]: files.read(name).decode("utf-8-sig") for name in files.namelist()}


def test_a_month_of_open_data_has_what_was_published_and_nothing_else(public: Hotline) -> None:
    secret = {"said": "Chuyện riêng không ai được biết", "place": "số 7 ngõ sâu"}
    shown, unedited, forgotten, withheld, withdrawn = (public.settled(**secret) for _ in range(5))
    for number in (shown, withdrawn):
        decides(public, number)
    decides(public, withdrawn, {"reason": "nhầm"}, what="/withdraw")
    decides(public, withheld, {"reason": "riêng tư"}, what="/not-published")
    with public.runtime.read() as unit:
        persons = [cell for row in unit.all(select(model.people.c.name, model.people.c.phone)) for cell in row]
    refused(public.as_(None).get("/open-data/BD/2021-09"), 422, "invalid-request")  # the month is not over
    public.waits(24 * 30)
    unsettled = public.receives(**secret)

    files = bulk(public)

    [row] = csv.DictReader(io.StringIO(files["requests.csv"]))
    assert (row["service_request_id"], row["description"], row["status_notes"], row["area"]) == (
        shown, TEXTS["words"], TEXTS["result"], "Thành phố Thủ Dầu Một",
    )  # fmt: skip
    [counted] = csv.DictReader(io.StringIO(files["counts.csv"]))
    assert (counted["service_code"], counted["received"]) == ("PAKN", "5")
    about = json.loads(files["about.json"])
    assert (about["licence"], about["from"], about["made_at"][:10]) == (
        "CC-BY-4.0", "2021-09-01T00:00:00+07:00", "2021-10-03",
    )  # fmt: skip
    everything = "".join(files.values())
    numbers = (unedited, forgotten, withheld, withdrawn, unsettled)
    for never in (*numbers, *secret.values(), *persons, public.receipt["secret"]):
        assert never and str(never).removeprefix("+84") not in everything


def test_open_data_of_few_or_of_secret_cases_count_nobody(public: Hotline) -> None:
    number = public.settled()
    decides(public, number)
    public.waits(24 * 30)
    assert list(csv.DictReader(io.StringIO(bulk(public)["counts.csv"]))) == []

    deploys(public, secrecy="C2")

    assert list(csv.DictReader(io.StringIO(bulk(public)["requests.csv"]))) == []
    for path in ("BD/2021-09-03", "BD/hom-nay", "BD/2021-10"):
        refused(public.as_(None).get(f"/open-data/{path}"), 422, "invalid-request")
    refused(public.as_(None).get("/open-data/khong-co/2021-09"), 404, "not-found")
