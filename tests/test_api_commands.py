"""The command line: tables, report types, people, tokens, incidents; and the demo people."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import click
import pytest

from engine.people import accounts
from engine.runtime import Runtime
from engine.storage.database import connect
from tests.commands import runner
from tests.hotline import package
from webapi import config, kept
from webapi.cli import main


@pytest.fixture
def instance(tmp_path):
    return tmp_path / "instance"


@pytest.fixture
def run(database_url, instance):
    """Run a command on an empty database; its output, after a look at the exit code."""
    return runner(database_url, instance)


@pytest.fixture
def bare(bare_database_url, instance):
    """The same on a database without any table."""
    return runner(bare_database_url, instance)


@pytest.fixture
def shelf(tmp_path):
    """A folder with one report type."""
    folder = tmp_path / "types" / "PAKN"
    folder.mkdir(parents=True)
    for name, text in package().items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder.parent


def known(url, token):
    runtime = Runtime(connect(url), lambda: datetime.now(UTC))
    with runtime.read() as unit:
        found = accounts.authenticate(unit, token)
    runtime.database.dispose()
    return found.login


def test_a_new_database_gets_tables_types_and_people_and_a_second_time_changes_nothing(
    bare, bare_database_url, shelf, instance
):
    assert bare("db", "upgrade") == "The database is up to date.\n"
    assert "PAKN version 1 loaded" in bare("load", "--demo", shelf)
    file = instance / "demo-accounts.json"
    first = file.read_text()

    bare("db", "upgrade")
    assert "PAKN version 1 is loaded already" in bare("load", "--demo", shelf)

    assert file.read_text() == first
    assert file.stat().st_mode & 0o777 == 0o600
    people = json.loads(first)
    assert {person["role"] for person in people} == {
        "operator", "handler", "monitor", "office", "overseer", "analyst", "admin", "client",
    }  # fmt: skip
    assert all(set(person) == {"user", "name", "role", "agency", "password", "token"} for person in people)
    assert [known(bare_database_url, person["token"]) for person in people] == [person["user"] for person in people]


def test_who_lost_the_file_of_demo_people_gets_another(run, shelf, instance, database_url):
    run("load", "--demo", shelf)
    file = instance / "demo-accounts.json"
    lost = json.loads(file.read_text())
    file.unlink()

    run("load", "--demo", shelf)

    found = json.loads(file.read_text())
    assert [person["user"] for person in found] == [person["user"] for person in lost]
    assert found[0]["token"] != lost[0]["token"] and known(database_url, found[0]["token"]) == found[0]["user"]


def test_in_production_there_are_no_demo_people(run, shelf, instance):
    told = run("load", "--demo", shelf, exits=1, THONGSUOT_PRODUCTION="1")

    assert "Demo people are not made in production" in told
    assert run("user", "list") == "" and not (instance / "demo-accounts.json").exists()


def test_a_demo_password_logs_in(run, database_url, shelf, instance):
    run("load", "--demo", shelf)
    person = json.loads((instance / "demo-accounts.json").read_text())[-1]
    runtime = Runtime(connect(database_url), lambda: datetime.now(UTC))

    session = accounts.log_in(runtime, person["user"], person["password"], "10.0.0.1")

    assert session.account.login == person["user"]
    runtime.database.dispose()


def test_checking_needs_no_database_and_lists_every_fault(bare, shelf, tmp_path):
    assert f"{shelf / 'PAKN'}: good" in bare("check", shelf)

    (shelf / "PAKN" / "ket_qua.form").unlink()
    type_toml = shelf / "PAKN" / "type.toml"
    type_toml.write_text(type_toml.read_text().replace("PT5H", "5 giờ"), encoding="utf-8")
    told = bare("check", shelf, exits=1)
    assert "ket_qua" in told and "5 giờ" in told
    for asked in ({"LANG": "vi_VN.UTF-8"}, {"LANG": "C"}):
        told = bare("check", shelf, *([] if asked["LANG"] != "C" else ["--lang", "vi"]), exits=1, **asked)
        assert "lỗi: type.toml:" in told and "thời hạn hoặc lịch không hợp lệ" in told
    assert not (tmp_path / "bare.db").exists()


def test_loading_gets_nothing_past_the_second_person_once_a_type_is_there(run, shelf):
    files = {name: shelf / "PAKN" / name for name in ("province.toml", "type.toml")}
    files["province.toml"].write_text("approval = true\n" + files["province.toml"].read_text(), encoding="utf-8")
    assert "PAKN version 1 loaded" in run("load", shelf)

    files["type.toml"].write_text(files["type.toml"].read_text().replace("PT5H", "PT6H"), encoding="utf-8")
    assert "PAKN version 2 waits for approval" in run("load", shelf)
    assert "PAKN version 2 waits for approval" in run("load", shelf)


def test_a_type_with_a_fault_is_not_deployed(run, shelf):
    (shelf / "PAKN" / "process.bpmn").write_text("<")
    told = run("deploy", shelf / "PAKN", exits=1)

    assert "nothing was deployed" in told and "process.bpmn" in told


def test_people_and_tokens_are_made_listed_and_ended(run, shelf, database_url):
    run("load", shelf)
    run("user", "add", "lan", "--name=Lan", "--role=handler", "--agency", "ubnd_74_718", types="trâu xanh gặm sách\n")
    token = run("token", "create", "lan", "--label", "máy bàn", "--days", "7").strip()

    assert known(database_url, token) == "lan"
    assert re.search(r"lan +handler +ubnd_74_718 +Lan", run("user", "list"))
    number = re.match(r" +(\d+) ts_", run("token", "list", "lan"))[1]
    run("token", "revoke", number)
    assert run("token", "list", "lan") == ""
    assert "has a new password" in run("user", "password", "lan", types="một mật khẩu khác\n")
    assert run("incidents", "list") == "0 open\n"


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("user", "add", "lan", "--name", "Lan", "--role", "handler", "--no-password"), "needs an agency"),
    (("user", "add", "Lan!", "--name", "Lan", "--role", "admin", "--no-password"), "A log-in name has"),
    (("token", "create", "nobody", "--label", "x"), "Nobody here logs in as 'nobody'"),
    (("token", "revoke", "99"), "There is no token 99"),
    (("incidents", "retry", "99"), "There is no incident 99"),
    (("user", "add", "lan", "--name", "Lan", "--role", "handler", "--agency", "x", "--no-password"),
     "There is no agency 'x'."),
])  # fmt: skip
def test_a_refusal_is_a_sentence(run, arguments, sentence):
    told = run(*arguments, exits=1)

    assert sentence in told and "Traceback" not in told


@pytest.mark.parametrize(("url", "sentence"), [
    ("nonsense", "THONGSUOT_DATABASE must be sqlite:"),
    ("mysql://x/y", "THONGSUOT_DATABASE must be sqlite:"),
    ("postgresql+psycopg://nobody:secret@127.0.0.1:1/x", "Start PostgreSQL, or name another host or port"),
    ("sqlite:////nowhere/at/all.db", "Its folder must be there, and yours to write into."),
    (f"sqlite:///{__file__}", "file is not a database. Name another file in THONGSUOT_DATABASE, or put a copy back"),
])  # fmt: skip
def test_a_database_that_cannot_be_used_is_a_sentence(run, url, sentence):
    told = run("user", "list", exits=1, THONGSUOT_DATABASE=url)

    assert sentence in told and "Traceback" not in told and "secret" not in told


def test_a_folder_that_nobody_can_write_into_is_a_sentence(run, shelf, instance):
    run("load", shelf)
    (instance / "demo-accounts.json").mkdir()

    told = run("load", "--demo", shelf, exits=1)

    assert f"{instance}/" in told and "cannot be read or written: Is a directory." in told


def test_without_tables_the_command_that_makes_them_is_named(bare):
    assert "run `thongsuot db upgrade`" in bare("user", "list", exits=1)


def test_who_has_no_account_is_told_how_to_make_the_first(run, shelf):
    assert "The first account: thongsuot user add" in run("load", shelf)

    run("user", "add", "lan", "--name", "Lan", "--role", "admin", "--no-password")
    assert "first account" not in run("load", shelf)


def test_a_new_sqlite_file_is_for_its_owner_only(run, tmp_path):
    file = tmp_path / "mine.db"
    run("db", "upgrade", THONGSUOT_DATABASE=f"sqlite:///{file}")

    assert file.stat().st_mode & 0o777 == 0o600


def test_every_command_has_a_help_text():
    def commands(group, *path):
        for name, command in group.commands.items():
            yield (*path, name), command
            if isinstance(command, click.Group):
                yield from commands(command, *path, name)

    assert [path for path, command in commands(main) if not command.help] == []
    assert {path[0] for path, _ in commands(main)} >= {
        "serve", "worker", "db", "load", "check", "deploy", "token", "user", "incidents", "bench",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [
    ("PRODUCTION", "maybe"), ("TRUSTED_PROXIES", "-1"), ("TRUSTED_PROXIES", "٣"), ("NOTIFIERS", "[1]"),
    ("BODY_MAX", "1"), ("LOG_LEVEL", "LOUD"),
])  # fmt: skip
def test_a_setting_that_will_not_do_is_named(name, text):
    with pytest.raises(config.BadSetting, match=f"THONGSUOT_{name}"):
        config.read({f"THONGSUOT_{name}": text})


def test_a_secret_may_come_from_a_file_and_is_never_repeated(tmp_path):
    file, name = tmp_path / "notifiers", "THONGSUOT_NOTIFIERS"
    file.write_text('{"sms": {"kind": "http", "password": "bi-mat-cua-cong"}}\n')

    assert config.read({f"{name}_FILE": str(file)})["NOTIFIERS"]["sms"]["password"] == "bi-mat-cua-cong"
    said = {}
    for why, environment in {
        "not a table": {name: file.read_text()[:-2]}, "not both": {name: "{}", f"{name}_FILE": str(file)},
        "no file": {f"{name}_FILE": str(tmp_path / "away")},
        "a bad one": {"THONGSUOT_TRUSTED_PROXIES_FILE": str(file)},
    }.items():  # fmt: skip
        with pytest.raises(config.BadSetting) as refused:
            config.read(environment)
        said[why] = str(refused.value)
    assert "must be a JSON table" in said["not a table"] and "leave out one" in said["not both"]
    assert "cannot be read (FileNotFoundError)" in said["no file"] and "TRUSTED_PROXIES must be" in said["a bad one"]
    assert "bi-mat" not in str(said)
    assert kept.once(tmp_path / "new.key", "x") == "x" and (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600


def test_every_setting_says_what_it_is_for_and_the_defaults_are_safe():
    values = config.read({})

    assert all(setting.says.endswith(".") for setting in config.SETTINGS)
    assert (values["PRODUCTION"], values["TRUSTED_PROXIES"]) == (False, 0)
    assert values["DATABASE"].startswith("sqlite:////")
