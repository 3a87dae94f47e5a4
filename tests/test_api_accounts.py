"""People, passwords, tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from engine import model
from tests.hotline import Caller, refused

PASSWORD = "mật khẩu rất dài"
ANNA = {"login": "anna", "name": "Anna Trần", "role": "handler", "agency": "ubnd_74_718", "password": PASSWORD}


def make(hotline, **more):
    answer = hotline.as_("quantri").post("/accounts", ANNA | more)
    assert answer.status_code == 201, answer.text
    return answer


def log_in(hotline, login="anna", password=PASSWORD):
    return hotline.as_(None).post("/login", {"login": login, "password": password})


def test_a_password_gives_a_token_for_some_hours(hotline):
    make(hotline)
    session = log_in(hotline)

    assert session.status_code == 201
    assert session.json["expires_at"] == "2021-09-03T13:00:00+00:00"
    anna = Caller(hotline.app.test_client(), session.json["token"])
    assert anna.get("/me").json["login"] == "anna"
    hotline.waits(12)
    assert "expired" in refused(anna.get("/me"), 401, "not-authenticated")


def test_logging_out_ends_it(hotline):
    make(hotline)
    anna = Caller(hotline.app.test_client(), log_in(hotline).json["token"])

    assert anna.post("/login", method="DELETE").status_code == 204
    refused(anna.get("/me"), 401, "not-authenticated")


def test_neither_token_nor_password_is_kept(hotline):
    make(hotline)
    token = log_in(hotline).json["token"]
    with hotline.runtime.read() as unit:
        kept = str(unit.all(select(model.tokens))) + str(unit.all(select(model.accounts)))

    assert token not in kept and PASSWORD not in kept
    assert token.startswith("ts_") and token[:11] in kept


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(hotline):
    make(hotline)
    wrong, unknown = log_in(hotline, password="khác"), log_in(hotline, login="nobody")
    disabled = log_in(hotline, login="truc")  # an account without a password

    details = {refused(answer, 401, "not-authenticated") for answer in (wrong, unknown, disabled)}
    assert details == {"There is no such account, or this is not its password."}


def test_who_guesses_is_held_back_even_with_the_right_password(hotline):
    make(hotline)
    for _ in range(5):
        refused(log_in(hotline, password="khác"), 401, "not-authenticated")

    held = log_in(hotline)

    refused(held, 429, "too-many")
    assert 0 < int(held.headers["Retry-After"]) <= 900
    hotline.waits(0.26)
    assert log_in(hotline).status_code == 201


def test_twenty_guesses_at_once_are_twenty_guesses(hotline):
    make(hotline)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: log_in(hotline, password=f"khác {n}"), range(20)))

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


def test_getting_it_right_forgives_what_went_before(hotline):
    make(hotline)
    for _ in range(3):
        for _ in range(4):
            log_in(hotline, password="khác")
        assert log_in(hotline).status_code == 201


@pytest.mark.parametrize("body", [
    {}, {"login": "anna"}, {"login": 1, "password": "x"}, {"login": "a\u0000", "password": "x"},
    {"login": "x" * 65, "password": "x"}, {"login": "anna", "password": "x" * 201},
])  # fmt: skip
def test_half_a_login_is_refused(hotline, body):
    answer = hotline.as_(None).post("/login", body)

    assert answer.status_code in (400, 422)


# -- accounts ----------------------------------------------------------------------------------------------------------


def patch(hotline, change, etag="*"):
    return hotline.as_("quantri").post("/accounts/anna", change, method="PATCH", If_Match=etag)


def test_an_account_is_made_changed_and_closed(hotline):
    made = make(hotline)
    assert made.headers["Location"] == "/api/v1/accounts/anna"
    assert (made.json["province"], "password" in made.json) == ("74", False)
    read = hotline.as_("quantri").get("/accounts/anna")
    changed = patch(hotline, {"areas": ["718"]}, read.headers["ETag"])
    assert (changed.status_code, changed.json["areas"]) == (200, ["718"])
    refused(patch(hotline, {"name": "B"}, read.headers["ETag"]), 412, "stale")
    refused(hotline.as_("quantri").post("/accounts/anna", {"name": "B"}, method="PATCH"), 428, "precondition-required")


@pytest.mark.parametrize("change", [{"password": "một mật khẩu khác"}, {"active": False}])
def test_a_new_password_or_a_closed_account_ends_its_logins(hotline, change):
    make(hotline)
    anna = Caller(hotline.app.test_client(), log_in(hotline).json["token"])

    assert patch(hotline, change).status_code == 200
    refused(anna.get("/me"), 401, "not-authenticated")
    refused(log_in(hotline), 401, "not-authenticated")


@pytest.mark.parametrize("change", [
    {"login": "Anna"}, {"login": "a"}, {"login": "a b"}, {"agency": "khong_co"}, {"agency": None}, {"role": "king"},
    {"password": "short"}, {"areas": ["999"]}, {"login": "anna\n"}, {"name": ""}, {"typename": "x"}, {"id": 1},
])  # fmt: skip
def test_an_account_that_cannot_be_is_refused(hotline, change):
    body = {key: value for key, value in (ANNA | change).items()}
    answer = hotline.as_("quantri").post("/accounts", body)

    if change == {"login": "anna\n"}:
        assert answer.status_code == 201 and answer.json["login"] == "anna"
        return
    refused(answer, 422, "invalid-request")


def test_a_name_is_given_once(hotline):
    make(hotline)

    assert "taken" in refused(hotline.as_("quantri").post("/accounts", ANNA), 409, "wrong-state")


@pytest.mark.parametrize("login", ["truc", "phuong", "vanphong", "phantich", "app", "mattran"])
def test_nobody_makes_accounts_or_raises_themselves_but_the_administrator(hotline, login):
    refused(hotline.as_(login).post("/accounts", ANNA), 403, "not-allowed")
    answer = hotline.as_(login).post(f"/accounts/{login}", {"role": "admin"}, method="PATCH", If_Match="*")
    refused(answer, 403, "not-allowed")


def test_people_know_their_colleagues(hotline):
    def known(login):
        return {one["login"] for one in hotline.as_(login).get("/accounts").json["items"]}

    assert known("phuong") == {"phuong", "hoa"}
    assert known("app") == {"app"}
    assert "binh" in known("vanphong") and "quantri" not in known("vanphong")
    assert "quantri" in known("quantri")
    refused(hotline.as_("phuong").get("/accounts/binh"), 404, "not-found")


def test_limits_of_an_account_narrow_what_it_sees(hotline):
    number, elsewhere = hotline.assigned(area="718"), hotline.assigned(area="719")
    make(hotline, areas=["718"])
    anna = Caller(hotline.app.test_client(), log_in(hotline).json["token"])

    assert [case["number"] for case in anna.get("/cases").json["items"]] == [number]
    assert [task["case"] for task in anna.get("/tasks").json["items"]] == [number]
    refused(anna.get(f"/cases/{elsewhere}"), 404, "not-found")


def test_a_change_of_an_account_holds_from_its_next_request_on(hotline):
    """Whoever was here a moment ago is remembered, but never as they no longer are."""
    number, elsewhere = hotline.assigned(area="718"), hotline.assigned(area="719")
    make(hotline)
    anna = Caller(hotline.app.test_client(), log_in(hotline).json["token"])
    assert anna.get(f"/cases/{elsewhere}").status_code == 200
    [task] = anna.get(f"/tasks?case={elsewhere}").json["items"]

    assert patch(hotline, {"areas": ["718"], "name": "Anna của phường"}).status_code == 200

    refused(anna.get(f"/cases/{elsewhere}"), 404, "not-found")
    refused(anna.post(f"/tasks/{task['id']}/claim"), 404, "not-found")
    assert anna.get(f"/cases/{number}").status_code == 200
    assert anna.get("/me").json["name"] == "Anna của phường"


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_is_revoked(hotline):
    made = hotline.as_("phuong").post("/tokens", {"label": "phần mềm của phường", "days": 30})
    program = Caller(hotline.app.test_client(), made.json["token"])

    assert made.status_code == 201 and program.get("/me").json["login"] == "phuong"
    listed = hotline.as_("phuong").get("/tokens").json["items"]
    assert [one["label"] for one in listed] == ["phần mềm của phường", "test"]
    assert made.json["token"] not in str(listed) and made.json["token"].startswith(listed[0]["prefix"])
    assert hotline.as_("phuong").post(f"/tokens/{made.json['id']}", method="DELETE").status_code == 204
    refused(program.get("/me"), 401, "not-authenticated")
    refused(hotline.as_("phuong").post(f"/tokens/{made.json['id']}", method="DELETE"), 404, "not-found")


def test_somebody_elses_tokens_are_for_the_administrator(hotline):
    mine = hotline.as_("phuong").post("/tokens", {"label": "x"}).json["id"]

    refused(hotline.as_("truc").post(f"/tokens/{mine}", method="DELETE"), 404, "not-found")
    refused(hotline.as_("truc").post("/tokens", {"label": "x", "login": "phuong"}), 403, "not-allowed")
    refused(hotline.as_("truc").get("/tokens", login="phuong"), 403, "not-allowed")
    assert hotline.as_("quantri").post("/tokens", {"label": "x", "login": "phuong"}).json["login"] == "phuong"
    assert hotline.as_("quantri").post(f"/tokens/{mine}", method="DELETE").status_code == 204


@pytest.mark.parametrize("body", [
    {}, {"label": ""}, {"label": "x", "days": 0}, {"label": "x", "days": 10**9}, {"label": "x", "days": "1"},
])  # fmt: skip
def test_a_token_that_cannot_be_is_refused(hotline, body):
    refused(hotline.as_("truc").post("/tokens", body), 422, "invalid-request")


def test_an_address_nobody_can_write_to_is_refused_and_an_old_one_may_stay(hotline):
    wrong = hotline.as_("quantri").post("/accounts", ANNA | {"email": "anna@ubnd"})
    assert refused(wrong, 422, "invalid-request").startswith("That is no e-mail address")
    make(hotline, email="anna@ubnd.binhduong.vn")
    with hotline.runtime.begin() as unit:  # as it was taken once
        unit.execute(update(model.accounts).where(model.accounts.c.login == "anna").values(email="anna@ubnd"))

    def change(**more):
        tag = hotline.as_("quantri").get("/accounts/anna").headers["ETag"]
        return hotline.as_("quantri").post("/accounts/anna", more, method="PATCH", If_Match=tag)

    assert change(name="Anna Lê", email="anna@ubnd").status_code == 200
    assert "ten@example.vn" in refused(change(email="anna @ubnd.vn"), 422, "invalid-request")
    assert change(email=None).json["email"] is None
