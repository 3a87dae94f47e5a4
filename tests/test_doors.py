"""The doors: what tokens are narrowed to, the second factor, sessions, and what the record says of all of it."""

from __future__ import annotations

import base64
import hashlib

import argon2
import pytest
from sqlalchemy import Text, select, type_coerce, update

from engine import model
from engine.notifiers import Message, Receipt
from engine.people import access, accounts, passwords, second_factors
from engine.record import chain
from engine.work.worker import Worker
from tests.hotline import PEOPLE, Caller, Hotline, refused

PASSWORD = "mật khẩu rất dài"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def make(hotline: Hotline, login: str = "anna", role: str = "handler") -> None:
    body = {"login": login, "name": "Anna Trần", "role": role, "agency": "ubnd_74_718", "password": PASSWORD}
    assert hotline.as_("quantri").post("/accounts", body).status_code == 201


def log_in(hotline: Hotline, login: str = "anna", password: str = PASSWORD, **more: str):
    return hotline.as_(None).post("/login", {"login": login, "password": password} | more)


def holding(hotline: Hotline, token: str) -> Caller:
    return Caller(hotline.app.test_client(), token)


def narrowed(hotline: Hotline, login: str, *scopes: str) -> Caller:
    made = hotline.as_(login).post("/tokens", {"label": "cho máy", "scopes": list(scopes)})
    assert made.status_code == 201 and made.json["scopes"] == sorted(scopes)
    return holding(hotline, made.json["token"])


def recorded(hotline: Hotline, *kinds: str) -> list[tuple[str, str, str | None]]:
    with hotline.runtime.read() as unit:
        rows = unit.all(select(model.acts).where(model.acts.c.kind.in_(kinds)).order_by(model.acts.c.id))
    return [(row.kind, row.actor, row.subject) for row in rows]


# -- scopes --------------------------------------------------------------------------------------------------------


def test_every_action_belongs_to_a_scope_and_every_scope_gives_actions() -> None:
    given = {action for actions in access.SCOPES.values() for action in actions.split()}
    assert given == access.ACTIONS


def test_a_token_does_what_its_scopes_say_and_its_role_may_and_no_more(hotline: Hotline) -> None:
    number = hotline.receives()
    reader, reporter = narrowed(hotline, "vanphong", "read"), narrowed(hotline, "vanphong", "report")
    both = narrowed(hotline, "truc", "read", "work")
    task = hotline.task("truc", number)["id"]

    assert [one["number"] for one in reader.get("/cases").json["items"]] == [number]
    assert "person" not in reader.get(f"/cases/{number}").json
    said = refused(reader.post(f"/cases/{number}/comments", {"text": "Đã gọi"}), 403, "not-allowed")
    assert "scopes ['read'], not for work" in said
    report = {"report_type": "PAKN", "answers": {"noi_dung": "x"}, "channel": "zalo"}
    refused(reader.post("/reports", report), 403, "not-allowed")

    assert reporter.post("/reports", report).status_code == 201
    assert reporter.get("/cases").json["items"] == [] and reporter.get("/tasks").json["items"] == []
    assert reporter.get(f"/cases/{number}").status_code == 404

    assert both.post(f"/tasks/{task}/complete", {"answers": {"lead_agency": "ubnd_74_718"}}).status_code == 200
    refused(narrowed(hotline, "phuong", "manage").get("/audit/acts"), 403, "not-allowed")
    assert narrowed(hotline, "quantri", "manage").get("/audit/acts").status_code == 200


def test_a_narrow_token_does_not_widen_itself(hotline: Hotline) -> None:
    narrow = narrowed(hotline, "quantri", "read", "manage")
    refused(narrow.post("/tokens", {"label": "mọi việc"}), 403, "not-allowed")
    refused(narrow.post("/tokens/1", method="DELETE"), 403, "not-allowed")
    refused(narrow.post("/me/second-factor"), 403, "not-allowed")
    away = {"login": "truc", "first_day": "2021-09-06", "last_day": "2021-09-06", "substitute": "vanphong"}
    refused(narrowed(hotline, "truc", "read").post("/absences", away), 403, "not-allowed")
    refused(hotline.as_("truc").post("/tokens", {"label": "x", "scopes": ["all"]}), 422, "invalid-request")
    refused(hotline.as_("truc").post("/tokens", {"label": "login"}), 422, "invalid-request")


def test_a_token_expires_and_says_when_it_was_last_used(hotline: Hotline) -> None:
    made = hotline.as_("app").post("/tokens", {"label": "cổng", "days": 2, "scopes": ["read"]}).json
    mine = holding(hotline, made["token"])

    def shown() -> dict:
        return next(one for one in hotline.as_("app").get("/tokens").json["items"] if one["id"] == made["id"])

    assert shown()["used_at"] is None and shown()["scopes"] == ["read"]
    mine.get("/cases")
    first = shown()["used_at"]
    assert first is not None
    hotline.clock.advance("9 minutes")
    mine.get("/cases")
    assert shown()["used_at"] == first, "not written down at every call"
    hotline.clock.advance("2 minutes")
    mine.get("/cases")
    assert shown()["used_at"] > first
    hotline.clock.advance("2 days")
    assert "expired" in refused(mine.get("/cases"), 401, "not-authenticated")


# -- passwords -----------------------------------------------------------------------------------------------------


def test_a_password_hashed_with_less_than_today_is_hashed_anew_at_the_next_log_in(hotline: Hotline) -> None:
    make(hotline)
    old = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.accounts).where(model.accounts.c.login == "anna").values(password_hash=old))

    def kept() -> str:
        with hotline.runtime.read() as unit:
            return str(unit.scalar(select(model.accounts.c.password_hash).where(model.accounts.c.login == "anna")))

    assert log_in(hotline, password="khác hẳn rồi").status_code == 401 and kept() == old
    assert log_in(hotline).status_code == 201
    assert kept() != old and "m=19456" in kept()
    assert log_in(hotline).status_code == 201


def test_what_is_typed_as_a_log_in_name_is_not_kept_and_counts_all_the_same(hotline: Hotline) -> None:
    typed = "mật-khẩu-gõ-nhầm"
    for _ in range(accounts.attempts.PER_SUBJECT):
        refused(log_in(hotline, login=typed), 401, "not-authenticated")

    with hotline.runtime.read() as unit:
        kept = str(unit.all(select(model.login_failures.c.subject)))
    assert "login:" in kept and typed not in kept
    assert hashlib.sha256(typed.encode()).hexdigest() not in kept, "which would be guessed at"
    refused(log_in(hotline, login=typed), 429, "too-many")
    make(hotline)
    assert log_in(hotline).status_code == 201


# -- the second factor ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "shown"), [  # RFC 6238, appendix B, the last six of its eight digits
    (59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130"),
])  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, shown: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert second_factors.code(secret, seconds // second_factors.STEP) == shown


def shows(hotline: Hotline, secret: str, steps: int = 0) -> str:
    return second_factors.code(secret, second_factors.step_at(hotline.clock()) + steps)


def sets_up(hotline: Hotline, login: str = "anna") -> tuple[str, list[str]]:
    caller = holding(hotline, log_in(hotline, login).json["token"])
    begun = caller.post("/me/second-factor").json
    assert caller.post("/me/second-factor").json == begun and begun["secret"] in begun["address"]
    wrong = {"code": shows(hotline, begun["secret"], 5)}
    refused(caller.post("/me/second-factor/confirm", wrong), 422, "invalid-request")
    codes = caller.post("/me/second-factor/confirm", {"code": shows(hotline, begun["secret"])}).json["recovery_codes"]
    hotline.clock.advance("30 seconds")
    return begun["secret"], codes


def test_with_a_second_factor_a_password_alone_does_not_do(hotline: Hotline) -> None:
    make(hotline)
    secret, _ = sets_up(hotline)

    refused(log_in(hotline), 401, "second-factor-missing")
    refused(log_in(hotline, password="sai mật khẩu", code=shows(hotline, secret)), 401, "not-authenticated")
    refused(log_in(hotline, code=shows(hotline, secret, 2)), 401, "not-authenticated")
    now = shows(hotline, secret)
    assert log_in(hotline, code=f"{now[:3]} {now[3:]}").status_code == 201
    refused(log_in(hotline, code=now), 401, "not-authenticated")
    refused(log_in(hotline, code=shows(hotline, secret, -1)), 401, "not-authenticated")
    assert log_in(hotline, code=shows(hotline, secret, 1)).status_code == 201, "a clock may be fast by a step"


def test_who_knows_the_password_gets_five_guesses_at_the_code(hotline: Hotline) -> None:
    make(hotline)
    secret, _ = sets_up(hotline)
    wrong = shows(hotline, secret, 100)
    for _ in range(accounts.attempts.PER_SUBJECT):
        refused(log_in(hotline, code=wrong), 401, "not-authenticated")
        if _ < accounts.attempts.PER_SUBJECT - 1:
            refused(log_in(hotline), 401, "second-factor-missing")  # that forgives nothing
    refused(log_in(hotline, code=shows(hotline, secret)), 429, "too-many")
    assert recorded(hotline, "login-failed") == [("login-failed", "unknown", "anna")] * 5


def test_a_recovery_code_works_once_and_the_administrator_removes_a_lost_device(hotline: Hotline) -> None:
    make(hotline)
    secret, codes = sets_up(hotline)
    assert len(set(codes)) == second_factors.RECOVERY_CODES
    assert log_in(hotline, code=codes[0]).status_code == 201
    refused(log_in(hotline, code=codes[0]), 401, "not-authenticated")
    assert log_in(hotline, code=codes[1].upper().replace("-", " ")).status_code == 201
    with hotline.runtime.read() as unit:
        kept = str(unit.all(select(model.second_factors)))
        (sealed,) = unit.all(select(type_coerce(model.second_factors.c.secret, Text)))
    assert not any(code.replace("-", "") in kept for code in codes)
    assert sealed[0][:1] == "~" and secret not in sealed[0], "nor is the device's secret to be read in the database"

    refused(hotline.as_("hoa").post("/accounts/anna/second-factor", method="DELETE"), 403, "not-allowed")
    assert hotline.as_("quantri").post("/accounts/anna/second-factor", method="DELETE").status_code == 204
    refused(hotline.as_("quantri").post("/accounts/anna/second-factor", method="DELETE"), 404, "not-found")
    assert log_in(hotline).status_code == 201
    assert recorded(hotline, "second-factor-set", "recovery-code-used", "second-factor-removed") == [
        ("second-factor-set", "anna", "anna"), ("recovery-code-used", "anna", "anna"),
        ("recovery-code-used", "anna", "anna"), ("second-factor-removed", "quantri", "anna"),
    ]  # fmt: skip


def test_a_role_that_needs_one_can_do_nothing_before_it_is_set_up(hotline: Hotline) -> None:
    hotline.app.config["SECOND_FACTOR"] = ["handler"]
    make(hotline)
    half = log_in(hotline).json
    assert half["scopes"] == []
    anna = holding(hotline, half["token"])
    assert anna.get("/me").json["login"] == "anna"
    assert anna.get("/cases").json["items"] == [] and anna.get("/tasks").json["items"] == []
    refused(anna.post("/tokens", {"label": "x"}), 403, "not-allowed")

    secret, _ = sets_up(hotline)
    refused(anna.get("/me"), 401, "not-authenticated")
    whole = log_in(hotline, code=shows(hotline, secret, 1)).json
    assert whole["scopes"] is None
    assert holding(hotline, whole["token"]).post("/tokens", {"label": "x"}).status_code == 201
    assert log_in(hotline, "truc", "x" * 10).status_code == 401


def with_password(hotline: Hotline, login: str, path: str = "/process-instance"):
    """At the door of Camunda's clients, where no code can be sent."""
    basic = base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()
    return hotline.app.test_client().get(f"/engine-rest{path}", headers={"Authorization": f"Basic {basic}"})


@on_sqlite
@pytest.mark.parametrize("login", ["truc", "phuong", "vanphong", "mattran", "phantich", "quantri", "app"])
def test_a_password_alone_opens_nothing_to_camundas_clients_where_a_code_is_wanted(hotline: Hotline, login: str):
    number = hotline.assigned()
    hotline.app.config["SECOND_FACTOR"] = [PEOPLE[login][0]]
    with hotline.runtime.begin() as unit:
        accounts.change(unit, login, {"password": PASSWORD}, None)

    assert (with_password(hotline, login).status_code, with_password(hotline, login).json) == (200, [])
    assert with_password(hotline, login, f"/process-instance/{number}").status_code == 404
    with_token = {"Authorization": f"Bearer {hotline.tokens[login]}"}
    found = hotline.app.test_client().get("/engine-rest/process-instance", headers=with_token).json
    assert [one["id"] for one in found] == [number], "a token is of somebody who has shown a code, or of a program"
    asked = {"username": login, "password": PASSWORD}
    office = {"Authorization": f"Bearer {hotline.tokens['hoa']}"}
    told = hotline.app.test_client().post("/engine-rest/identity/verify", json=asked, headers=office).json
    assert told == {"authenticatedUser": login, "authenticated": False}

    secret, _ = sets_up(hotline, login)
    assert with_password(hotline, login).status_code == 401
    assert log_in(hotline, login, code=shows(hotline, secret)).json["scopes"] is None


def test_log_ins_that_were_opened_without_a_code_end_when_a_device_is_set_up(hotline: Hotline) -> None:
    make(hotline)
    before = holding(hotline, log_in(hotline).json["token"])
    program = holding(hotline, before.post("/tokens", {"label": "máy của tôi"}).json["token"])
    assert with_password(hotline, "anna").status_code == with_password(hotline, "anna").status_code == 200

    sets_up(hotline)

    refused(before.get("/me"), 401, "not-authenticated")
    assert "send the code of your second factor" in with_password(hotline, "anna").json["message"]
    assert with_password(hotline, "anna").status_code == 401
    assert program.get("/me").status_code == 200


# -- the record ----------------------------------------------------------------------------------------------------


def test_the_record_says_who_did_what_to_accounts_and_tokens_and_keeps_no_secret(hotline: Hotline) -> None:
    make(hotline)
    admin = hotline.as_("quantri")
    session = log_in(hotline).json["token"]
    log_in(hotline, password="sai mật khẩu")
    log_in(hotline, login="mật-khẩu-gõ-nhầm")
    holding(hotline, session).post("/login", method="DELETE")
    made = admin.post("/tokens", {"label": "cổng", "login": "app", "scopes": ["report"]}).json
    admin.post(f"/tokens/{made['id']}", method="DELETE")
    etag = admin.get("/accounts/anna").headers["ETag"]
    change = {"role": "monitor", "password": "mật khẩu khác hẳn", "name": "Anna Trần"}
    assert admin.post("/accounts/anna", change, method="PATCH", If_Match=etag).status_code == 200

    kinds = ("account-changed", "password-changed", "logged-in", "logged-out", "login-failed", "token-made",
             "token-revoked")  # fmt: skip
    assert recorded(hotline, *kinds) == [
        ("logged-in", "anna", "anna"), ("login-failed", "unknown", "anna"), ("login-failed", "unknown", None),
        ("logged-out", "anna", "anna"), ("token-made", "quantri", "app"), ("token-revoked", "quantri", "app"),
        ("password-changed", "quantri", "anna"), ("account-changed", "quantri", "anna"),
    ]  # fmt: skip
    assert ("account-made", "quantri", "anna") in recorded(hotline, "account-made")
    assert ("account-made", "cli", "truc") in recorded(hotline, "account-made")
    with hotline.runtime.read() as unit:
        rows = unit.all(select(model.acts))
    change = next(row for row in rows if row.kind == "account-changed")
    assert change.data == {"was": {"role": "handler"}, "now": {"role": "monitor"}}
    assert next(row.address for row in rows if row.kind == "logged-in") == "127.0.0.1"
    everything = str(rows)
    for secret in (PASSWORD, "mật khẩu khác hẳn", session, made["token"], "mật-khẩu-gõ-nhầm", "argon2"):
        assert secret not in everything

    while chain.step(hotline.runtime):
        pass
    assert chain.verify(hotline.runtime, []).broken is None


def test_the_record_says_who_brought_and_changed_what_runs(hotline: Hotline) -> None:
    analyst = hotline.as_("phantich")
    from tests.hotline import TYPE, package

    made = analyst.post("/deployments", package(type__toml=TYPE.format(secrecy="C2").replace("PT5H", "P1D")))
    assert made.status_code == 201, made.text
    analyst.post(f"/deployments/{made.json['id']}/suspend", {"reason": "Sai thời hạn"})
    hotline.as_("quantri").post("/agencies/so_yt_74", {"name": "Sở Y tế tỉnh", "reason": "Đổi tên"}, method="PATCH")
    hotline.as_("phantich").get("/exports/xes", report_type="PAKN")
    kinds = ("version-brought", "version-activated", "version-suspended", "agency-changed", "exported")
    found = [one for one in recorded(hotline, *kinds) if one[1] != "test"]
    assert found[:3] == [(kind, "phantich", "PAKN") for kind in kinds[:3]]
    assert ("exported", "phantich", "PAKN") in found and ("agency-changed", "quantri", "so_yt_74") in found


@on_sqlite
def test_people_change_their_own_password_and_their_other_log_ins_end(hotline: Hotline) -> None:
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "phuong", {"password": PASSWORD}, None)
    here, there = (holding(hotline, log_in(hotline, "phuong").json["token"]) for _ in range(2))
    new = "con trâu xanh gặm sách"

    assert here.post("/me/password", {"present": PASSWORD, "wanted": new}).status_code == 204

    assert here.get("/me").status_code == 200
    refused(there.get("/me"), 401, "not-authenticated")
    assert hotline.as_("phuong").get("/me").status_code == 200  # a program's token stays
    refused(log_in(hotline, "phuong"), 401, "not-authenticated")
    assert log_in(hotline, "phuong", new).status_code == 201
    assert recorded(hotline, "password-changed")[-1] == ("password-changed", "phuong", "phuong")


@on_sqlite
def test_an_open_session_is_no_way_to_guess_a_password_nor_to_a_weak_one(hotline: Hotline) -> None:
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "phuong", {"password": PASSWORD}, None)
        narrow = accounts.issue(unit, accounts.account(unit, "phuong"), "x", scopes=("read",)).token
    wanted = {"wanted": "con trâu xanh gặm sách"}
    refused(holding(hotline, narrow).post("/me/password", wanted | {"present": PASSWORD}), 403,
            "not-allowed")  # fmt: skip
    here = holding(hotline, log_in(hotline, "phuong").json["token"])

    for weak in ["MatKhau@2026"] * 6:  # costs no attempt
        said = refused(here.post("/me/password", {"present": PASSWORD, "wanted": weak}), 422, "invalid-request")
        assert "would be guessed" in said
    for _ in range(5):
        said = refused(here.post("/me/password", wanted | {"present": "sai mật khẩu"}), 422, "invalid-request")
        assert "not the password" in said

    refused(here.post("/me/password", wanted | {"present": PASSWORD}), 429, "too-many")
    assert log_in(hotline, "phuong").status_code == 201  # those at the door are others
    hotline.waits(0.3)
    for _ in range(5):
        log_in(hotline, "phuong", "sai mật khẩu")
    refused(log_in(hotline, "phuong"), 429, "too-many")
    assert here.post("/me/password", wanted | {"present": PASSWORD}).status_code == 204


@pytest.mark.parametrize("password", [
    "password123", "P@ssw0rd2024!", "Matkhau@123", "mật khẩu 2025", "quantri123456", "1022binhduong", "qwertyuiop",
    "1234567890", "0987654321", "aaaaaaaaaaaa", "abcabcabcabc", "asdfghjkl;123", "anhyeuem1999", "lan.nguyen1990",
    "NguyenThiLan!", "UBND@Tongdai1022", "admin@1022vn", "ababababab", "thongsuot2026", "iloveyou2you",
])  # fmt: skip
def test_what_everybody_tries_first_is_no_password(password: str) -> None:
    assert passwords.is_guessable(password, "lan.nguyen", "Nguyễn Thị Lan")


@pytest.mark.parametrize("password", [
    "con trâu xanh gặm sách", "mot-cau-dai-de-nho", "kX9-vq_27LwpTz", "chiếc ghế bay 1975 về", "tr0ub4dor&3x",
    "correct horse battery", "ラーメンと猫と自転車屋",
])  # fmt: skip
def test_a_few_words_of_ones_own_are(password: str) -> None:
    assert not passwords.is_guessable(password, "lan.nguyen", "Nguyễn Thị Lan")
    assert passwords.matches(passwords.hashed(password), password)


def test_all_of_a_long_password_counts() -> None:
    long = "con trâu xanh gặm sách " * 8
    assert not passwords.matches(passwords.hashed(long + "a"), long + "b")


# -- who is told ---------------------------------------------------------------------------------------------------


class Keeping:
    def __init__(self, sent: list[Message]) -> None:
        self.sent = sent

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt()


@on_sqlite
def test_whose_account_changes_is_told_by_email_and_who_has_no_address_is_not(hotline: Hotline) -> None:
    sent: list[Message] = []
    admin = hotline.as_("quantri")
    make(hotline)
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "anna", {"email": "anna@example.vn"}, None)
        accounts.change(unit, "quantri", {"email": "quan.tri@example.vn"}, None)
        accounts.change(unit, "binh", {"password": "một mật khẩu khác hẳn"}, None)  # has no address
    session = holding(hotline, log_in(hotline).json["token"])
    secret = session.post("/me/second-factor").json["secret"]
    shown = second_factors.code(secret, second_factors.step_at(hotline.clock()))
    codes = session.post("/me/second-factor/confirm", {"code": shown}).json["recovery_codes"]
    session = holding(hotline, log_in(hotline, code=codes[0]).json["token"])
    assert admin.call("DELETE", "/accounts/anna/second-factor").status_code == 204
    wanted = {"present": PASSWORD, "wanted": "mật khẩu mới, cũng dài"}
    assert session.post("/me/password", wanted | {"present": "không phải"}).status_code == 422  # tells nobody
    assert session.post("/me/password", wanted).status_code == 204

    Worker(hotline.runtime, {"email": Keeping(sent)}).drain()

    told = [(one.to, one.text.split(": ")[2].split(" lúc ")[0]) for one in sent]
    assert told == [
        ("anna@example.vn", "thông tin hoặc quyền của tài khoản vừa được đổi"),
        ("quan.tri@example.vn", "thông tin hoặc quyền của tài khoản vừa được đổi"),  # of no agency
        ("anna@example.vn", "mã xác thực thứ hai vừa được bật"),
        ("anna@example.vn", "một mã khôi phục vừa được dùng để đăng nhập"),
        ("anna@example.vn", "mã xác thực thứ hai vừa bị gỡ"),
        ("anna@example.vn", "mật khẩu vừa được đổi"),
    ]
    assert not [one for one in sent for mark in (PASSWORD, secret, codes[0]) if mark in one.text + one.subject]
