"""The threat model: each line of docs/threats.md names a test that exists; and what no other test looks at."""

from __future__ import annotations

import ast
import itertools
import logging
import re
import ssl
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from engine.notifiers import Message
from engine.people import accounts
from tests.hotline import Hotline
from tests.post import SECRET as OF_A_HOOK
from tests.post import notifier, put_off, sms
from tests.sources import ROOT, texts, tracked
from tests.test_fetches import PEM
from tests.visitor import Visitor

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
}  # fmt: skip
PRODUCT = ("engine", "webapi")
MESSENGERS = {"business.openapi.zalo.me", "openapi.zalo.me", "chatapi.viber.com", "graph.facebook.com"}
SPEAKS = re.compile(r"(httpx|smtplib|imaplib|socket|ssl|http\.client|urllib\.request|requests|smpplib\.client)\Z")
MARKED = "dau-hieu-7f3a"  # what is in every secret of this test


def functions(module: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 60
    known = {module: functions(module) for module, _ in named}
    assert [f"{module}.{name}" for module, name in named if name not in known[module]] == []


def test_every_line_of_the_list_has_a_test_or_says_why_there_is_none() -> None:
    lines = LINE.findall(PAGE)
    assert len({key for key, _, _ in lines}) == len(lines)
    reasons = ("–", "open:")
    silent = [key for key, _, shown in lines if not NAMED.search(shown) and not shown.strip().startswith(reasons)]
    assert len(lines) > 80 and silent == []


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
