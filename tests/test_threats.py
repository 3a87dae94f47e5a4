"""The threat model: each line of docs/threats.md names a test that exists; and what no other test looks at."""

from __future__ import annotations

import ast
import itertools
import logging
import re
import ssl
from collections import Counter
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from engine.notifiers import Message
from engine.people import accounts
from tests.hotline import PHONE, Hotline
from tests.post import SECRET as OF_A_HOOK
from tests.post import notifier, put_off, sms
from tests.sources import ROOT, texts, tracked
from tests.test_fetches import PEM
from tests.visitor import Page, Visitor
from webapi.ui import door

PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(test_\w+)\.(test_\w+)`")
LINE = re.compile(r"^\| (V\d+\.\d+\.\d+) \|(.*)\|(.*)\|$", re.MULTILINE)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# whoever speaks to other machines: to those alone that somebody has set, or, of the messengers, written to
SPEAKERS = {
    "engine/channels/downloads.py", "engine/channels/mailbox/imap.py", "engine/files/scanning.py",
    "engine/notifiers/addresses.py", "engine/notifiers/smpp.py", "engine/notifiers/smtp.py", "engine/notifiers/web.py",
    "engine/notifiers/webhook.py", "webapi/openid.py",
    "engine/work/worker.py",  # asks what its own machine is called
    "webapi/cpu.py",  # has a name that its own machine sees, and says nothing
}  # fmt: skip
PRODUCT = ("engine", "webapi")
MESSENGERS = {"business.openapi.zalo.me", "openapi.zalo.me", "chatapi.viber.com", "graph.facebook.com"}
SPEAKS = re.compile(r"(httpx|smtplib|imaplib|socket|ssl|http\.client|urllib\.request|requests|smpplib\.client)\Z")
MARKED = "dau-hieu-7f3a"  # what is in every secret of this test
INLINE = "//@style | //style | //script[not(@src)] | //@*[starts-with(name(), 'on')]"
PLACE = re.compile(r"<(?:(\w+)[^:>]*:)?(\w+)>")  # in an address: of what kind, and its name
# the lines of ASVS 4.0.3 that count at level 2, by section
LEVEL_2 = """
    1.1:1-7 1.2:1-4 1.4:1,4,5 1.5:1-4 1.6:1-4 1.7:1-2 1.8:1-2 1.9:1-2 1.10:1 1.11:1-2 1.12:2 1.14:1-6
    2.1:1-12 2.2:1-3 2.3:1-3 2.4:1-6 2.5:1-7 2.6:1-3 2.7:1-6 2.8:1-7 2.9:1-3 2.10:1-4
    3.1:1 3.2:1-4 3.3:1-4 3.4:1-5 3.5:1-3 3.7:1 4.1:1-3,5 4.2:1-2 4.3:1-3
    5.1:1-5 5.2:1-8 5.3:1-10 5.4:1-3 5.5:1-4 6.1:1-3 6.2:1-6 6.3:1-2 6.4:1-2
    7.1:1-4 7.2:1-2 7.3:1,3-4 7.4:1-3 8.1:1-4 8.2:1-3 8.3:1-8 9.1:1-3 9.2:1-4 10.2:1-2 10.3:1-3 11.1:1-8
    12.1:1-3 12.2:1 12.3:1-6 12.4:1-2 12.5:1-2 12.6:1 13.1:1,3-5 13.2:1-3,5-6 13.3:1-2 13.4:1-2
    14.1:1-4 14.2:1-6 14.3:2-3 14.4:1-7 14.5:1-4
"""


def functions(module: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 60
    known = {module: functions(module) for module, _ in named}
    assert [f"{module}.{name}" for module, name in named if name not in known[module]] == []


def level_2() -> Iterator[str]:
    for section, numbers in (part.split(":") for part in LEVEL_2.split()):
        for first, _, last in (some.partition("-") for some in numbers.split(",")):
            yield from (f"V{section}.{number}" for number in range(int(first), int(last or first) + 1))


def test_every_line_of_the_list_has_a_test_or_says_why_there_is_none() -> None:
    lines = LINE.findall(PAGE)
    assert Counter(key for key, _, _ in lines) == Counter(level_2())
    reasons = ("–", "open:")
    silent = [key for key, _, shown in lines if not NAMED.search(shown) and not shown.strip().startswith(reasons)]
    assert len(lines) == 260 and silent == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
    return []


def test_nothing_calls_home() -> None:
    """No module speaks to another machine but those that are named, and to no address that stands in the source but
    the messengers' own."""
    ours = [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PRODUCT]
    trees = {str(path.relative_to(ROOT)): [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))] for path in ours}
    speak = {name for name, nodes in trees.items() if any(map(SPEAKS.match, itertools.chain(*map(_imported, nodes))))}
    said = [node.value for name in speak | {one for one in trees if one.startswith("engine/notifiers/")}
            for node in trees[name] if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    named = {host for text in said for host in re.findall(r"https?://([\w.-]+\w)", text)}

    assert speak == SPEAKERS
    assert {host for host in named if not host.endswith((".example", "x.vn"))} == MESSENGERS


def test_whoever_shows_no_certificate_that_we_trust_is_told_nothing() -> None:
    """Gateways, web hooks, exchanges; downloads and OpenID providers go by the same client (`engine.notifiers.web`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/x").respond_with_data("{}")
        url = server.url_for("/x")
        ways = (({"kind": "http", "url": url, "body": {"to": "{to}", "text": "{text}"}}, "sms", sms()),
                ({"kind": "http", "secrets": {url: OF_A_HOOK}, "allow_private": True}, "webhook",
                 Message("webhook", "k", url, connect={"reporter": "+84987650321"})))  # fmt: skip
        for options, kind, message in ways:
            assert "could not be reached" in put_off(notifier(kind, **options), message)
            assert server.log == []
            notifier(kind, **options, ca_file=str(PEM)).send(message)
            server.clear_log()


@on_sqlite
def test_no_page_is_changed_by_a_form_of_another_site(hotline: Hotline) -> None:
    """Every address of a page that takes a POST, found in the application itself."""
    rules = [rule for rule in hotline.app.url_map.iter_rules()
             if rule.endpoint.startswith("ui_") and rule.methods & {"POST", "PUT", "PATCH", "DELETE"}]  # fmt: skip
    assert len(rules) > 40
    client, values = hotline.app.test_client(), {"name": "x1", "login": "x1", "number": "x1"}
    taken = []
    with hotline.app.test_request_context():
        for rule in rules:
            known = {argument: values.get(argument, 1 if "key" in str(rule) else "x1") for argument in rule.arguments}
            url = hotline.app.url_map.bind("localhost").build(rule.endpoint, known, method="POST")
            answer = client.post(url, data={"login": "x"}, headers={"Accept": "text/html"})
            if answer.status_code != 400 or "Trang này đã mở quá lâu" not in answer.text:
                taken.append(f"{url}: {answer.status_code}")
    assert taken == []


@on_sqlite
def test_every_page_there_is_keeps_to_a_strict_policy(hotline: Hotline) -> None:
    """Every address that can be looked at, as nobody and as people of several roles, by session and by token."""
    number, shown, loose = hotline.settled(), set(), []
    known = {"number": number, "report_type": "PAKN", "key": "by-type", "login": "phuong", "form": "json"}
    rules = [rule for rule in hotline.app.url_map.iter_rules() if "GET" in rule.methods]
    for login in (None, "phuong", "vanphong", "phantich", "quantri"):
        client = _looks(hotline, login)
        headers = {"Accept": "text/html"} | ({"Authorization": f"Bearer {hotline.tokens[login]}"} if login else {})
        for rule in rules:
            url = _address(rule.rule, known | {"code": "not-found" if "problems" in rule.rule else "PAKN"})
            answer = client.get(url, headers=headers)
            said = answer.headers
            named = not str(answer.mimetype).startswith("text/") or "charset=utf-8" in said["Content-Type"]
            loose += [url] * (said.get("X-Content-Type-Options") != "nosniff" or not named or "Server" in said)
            if answer.mimetype == "text/html":
                shown |= {rule.endpoint} if answer.status_code == 200 else set()
                policy = said.get("Content-Security-Policy", "")
                inline = answer.status_code == 200 and Page(answer).find(INLINE)
                loose += [url] * ("default-src 'none'" not in policy or "unsafe" in policy or bool(inline))
            answer.close()
    assert loose == []
    assert shown >= {"docs", "problem_page", "contacts.figures_as_page", "statistics.as_page", "ui_login.show",
                     "ui_cases.show", "ui_admin.person"}  # fmt: skip


def _looks(hotline: Hotline, login: str | None) -> FlaskClient:
    client = hotline.app.test_client()
    if login:
        with client.session_transaction() as session:
            session[door.TOKEN], session[door.SEEN] = hotline.tokens[login], int(hotline.clock().timestamp())
    return client


@on_sqlite
def test_what_people_type_is_text_on_every_page(hotline: Hotline) -> None:
    """A report full of tags, wherever those who work on it look."""
    typed = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b id=boo>"
    name = "<i id=boo onclick=alert(3)> Nguyễn"
    number = hotline.receives(typed, reporter={"name": name, "phone": PHONE, "address": name})
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    assert hotline.as_("phuong").post(f"/cases/{number}/comments", {"text": typed}).status_code == 201
    task, shown = hotline.task("phuong", number)["id"], set()
    for login in ("truc", "phuong", "vanphong", "mattran"):
        for path in (f"/vu-viec/{number}", "/vu-viec", f"/vu-viec?q={number}", f"/viec/{task}", "/viec", "/tinh"):
            page = Page(_looks(hotline, login).get(path, headers={"Accept": "text/html"}))
            assert page.find(f"{INLINE} | //*[@id='boo']") == [], (login, path)
            shown |= {login} if "alert(1)" in page.text else set()
    assert shown == {"truc", "phuong", "vanphong"}, "as it was typed, in words"


def _address(rule: str, known: dict[str, str]) -> str:
    url = PLACE.sub(lambda at: known.get(at[2], "1" if at[1] == "key" else "x1"), rule)
    span = "?from=2021-09-01T00:00:00Z&to=2021-09-05T00:00:00Z" if url.endswith("figures.html") else "?period=2021-09"
    return url + span if url.endswith(".html") else url


@on_sqlite
def test_what_a_browser_sends_by_itself_opens_no_door_of_programs(hotline: Hotline) -> None:
    """The API knows no cookie: who is logged in at the pages is nobody there."""
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "quantri", {"password": f"{MARKED}-mat-khau"}, None)
    visitor = Visitor(hotline.app)
    visitor.sends(visitor.opens("/dang-nhap"), login="quantri", password=f"{MARKED}-mat-khau")
    assert visitor.opens("/quan-tri").status == 200
    for method, path in (("GET", "/api/v1/accounts"), ("POST", "/api/v1/tokens"), ("GET", "/engine-rest/task")):
        assert visitor.client.open(path, method=method, json={} if method == "POST" else None).status_code == 401, path


@on_sqlite
def test_no_secret_gets_into_a_log(hotline: Hotline, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password = f"{MARKED}-mat-khau"
    admin = hotline.as_("quantri")
    person = {"login": "anna", "name": "Anna", "role": "handler", "agency": "ubnd_74_718", "password": password}
    admin.post("/accounts", person)
    session = hotline.as_(None).post("/login", {"login": "anna", "password": password}).json["token"]
    hotline.as_(None).post("/login", {"login": "anna", "password": f"{password}-sai"})
    hotline.as_(None).post("/login", {"login": "anna", "password": {"x": password}})
    hotline.as_(None).post("/login", {"login": password, "password": password})
    made = admin.post("/tokens", {"label": "cổng"}).json["token"]
    for token in (session, made):
        client = hotline.app.test_client()
        client.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}"})
        client.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}x"})
        client.get(f"/api/v1/cases?token={token}")
        client.post("/api/v1/reports", data=token, headers={"Authorization": f"Bearer {token}"})
    number = hotline.receives(phone="0987654321")
    hotline.as_(None).get(f"/track/{number}", secret=hotline.receipt["secret"])
    hotline.as_(None).get(f"/track/{number}", secret=f"{MARKED}-sai")
    visitor = Visitor(hotline.app)
    visitor.sends(visitor.opens("/dang-nhap"), login="anna", password=password)

    said = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (MARKED, session, made, hotline.receipt["secret"], "0987654321", "987654321"):
        assert secret not in said


# -- what can be read from the source ----------------------------------------------------------------------------------

CODE = [path for folder in ("engine", "webapi") for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts]  # fmt: skip
SQL = {"text", "exec_driver_sql", "literal_column"}  # what takes it as it is
OURS = {  # what is put into it: names of columns, channels and states, from lists in the code
    "engine/channels/arrivals.py": {"STATES[STATES.index(state)]"}, "engine/clocks.py": {"kind"},
    "engine/messaging/kept.py": {"STATES[STATES.index(state)]"}, "engine/model/cases.py": {"way"},
    "engine/public/open_data.py": {"PUBLIC"}, "engine/queries.py": {"state"},
    "engine/queues/jobs.py": {"str(priority)"}, "engine/queues/leases.py": {"channel", "state", "str(REAP_AT_ONCE)"},
    "engine/queues/listening.py": {"self._channel"}, "engine/statistics/vitals.py": {"name", "str(priority)"},
    "engine/work/due.py": {"kind", "name"},
}  # fmt: skip


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call in the code: the file, the call, the name of what is called."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield path.relative_to(ROOT).as_posix(), node, name


def parts(sql: ast.expr) -> list[str]:
    """What is put into a text that is not simply written down; the name of one is where it was made."""
    if isinstance(sql, ast.JoinedStr):
        return [ast.unparse(part.value) for part in sql.values if isinstance(part, ast.FormattedValue)]
    return [] if isinstance(sql, ast.Constant | ast.Name | ast.Attribute) else [ast.unparse(sql)]


def test_no_sql_is_put_together_from_what_is_sent() -> None:
    found: dict[str, set[str]] = {}
    for file, call, name in calls():
        letters = file == "engine/channels/mailbox/charsets.py"
        is_another = name == "text" and (letters or isinstance(call.func, ast.Attribute))
        if name in SQL and call.args and not is_another:
            for part in parts(call.args[0]):
                found.setdefault(file, set()).add(part)
    assert {file: put - OURS.get(file, set()) for file, put in found.items() if put - OURS.get(file, set())} == {}
    assert found.keys() >= OURS.keys(), "what is no more is not allowed any more"


SECRET = re.compile(r"pass(word|wd)|secret|token|api_?key|credential", re.IGNORECASE)
LOOKS_SO = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w+/=.-]{16,}")  # letters and digits, and nothing else


def test_no_secret_is_in_the_source() -> None:
    """No key of anybody, no value that looks like one where its name says that it is; only tests make up some."""
    named = [
        f"{path.name}:{node.lineno} {name}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name, value in assigned(node)
        if SECRET.search(name) and isinstance(value, ast.Constant) and LOOKS_SO.fullmatch(str(value.value))
    ]
    assert named == []
    shipped = [path for path in tracked() if path.relative_to(ROOT).parts[0] != "tests"]
    assert [path for path in shipped if path.suffix in {".key", ".keys", ".pem", ".p12", ".env"}] == []
    private = [path for path, text in texts() if re.search("-----BEGIN [A-Z ]*PRIVATE KEY", text) and path in shipped]
    assert private == []


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is called what: in an assignment, a call, a table."""
    if isinstance(node, ast.Assign):
        yield from ((ast.unparse(target), node.value) for target in node.targets)
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        yield from ((str(key.value), value) for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant))  # fmt: skip


def test_no_debugger_is_ever_switched_on() -> None:
    switches = [
        f"{file}: {ast.unparse(call)[:80]}" for file, call, name in calls()
        if name in {"breakpoint", "set_trace", "DebuggedApplication"}
        or any(word.arg in {"debug", "use_debugger", "use_reloader"} for word in call.keywords)
    ]  # fmt: skip
    assert switches == []


def test_everything_that_is_installed_has_the_hash_that_was_locked() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        wanted = re.split(r"^(?=\S)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        wanted = [one for one in wanted if one.strip() and not one.startswith("#")]
        assert len(wanted) > 20 and [one[:60] for one in wanted if "--hash=sha256:" not in one] == []


def test_how_the_fuzzer_that_is_led_is_begun_is_said_alike_wherever_it_is_said() -> None:
    said = [line.strip() for line in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()]

    assert len(said) == 2 and "-m tests.guided" in said[1]
    assert [line for line in said if line not in (ROOT / "tests/guided.py").read_text(encoding="utf-8")] == []
