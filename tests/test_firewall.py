"""The identity firewall: what is known of whoever reported is looked for, byte by byte, where it must not be."""

from __future__ import annotations

import base64
import io
import itertools
import logging
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text
from werkzeug.routing import Rule

from engine import model, packages
from engine.files import pictures
from engine.language.masks import MASK
from engine.language.vietnamese import fold
from engine.model.records import LOOKED
from engine.notifiers import Message, Receipt
from engine.work.worker import Worker
from tests.drawing import choice, draw, form
from tests.hotline import LIFE, PROVINCE, TYPE, Hotline, _text, refused
from webapi.ui import door

NAME, PHONE, EMAIL = "Trịnh Thị Đặc Biệt", "0987650321", "dac.biet@example.vn"
ADDRESS, ZALO = "77 ngõ Không Có", "zl-8831"
CCCD = "079201001234"
REPORTER = {"name": NAME, "phone": PHONE, "email": EMAIL, "address": ADDRESS, "zalo": ZALO}
# as people write it, and as anybody would recognise it; folded, the numbers without what stands between their digits
FIRST = "Tôi là TRỊNH THỊ ĐẶC BIỆT, gọi 0987.650.321 hoặc +84 987 650 321, thư dac.biet@example.vn, CCCD 079201001234"
SPELT = (f"{FIRST}, gọi Hoa0987650321, tổ 3.0987650321, sdt_0987650321, ０９８７６５０３２１, 098\u200b765\u200b0321, "
         "2098\u2060765 0 321")  # fmt: skip
MARKED = (fold(NAME), PHONE[1:], EMAIL, fold(ADDRESS), ZALO, CCCD)
INTAKE = form("tiep_nhan_phan_anh", _text("noi_dung"), _text("ghi_chu", required=False),
              _text("so_nha", required=False) | {"properties": {"personal": "true"}})  # fmt: skip
# eight pixels squared, to be turned; its Exif part and what follows it tell who took it
PHOTO = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QBMRXhpZgAATU0AKgAAAAgAAgESAAMAAAABAAYAAAE7AAIAAAAeAAAAJgAAAABUcmluaCBUaGkgRGFjIEJpZXQg"
    "MDk4NzY1MDMyMQD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////////////////////////2wBDAaq0"
    "tPDS8P//////////////////////////////////////////////////////////////////////////////wAARCAAIAAgDASIAAhEBAxEB/8QAFQAB"
    "AQAAAAAAAAAAAAAAAAAAAAL/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAQP/xAAUEQEAAAAAAAAAAAAAAAAAAAAA"
    "/9oADAMBAAIRAxEAPwCQAo//2Q=="
) + PHONE.encode()

FILM = Path(__file__).with_name("films").joinpath("film.mov").read_bytes()  # a track of it tells her number
PAPER = f"%PDF-1.4\n1 0 obj << /Author ({fold(NAME)}, {PHONE}) >> endobj\n%%EOF\n".encode()


def found(content: bytes | str) -> list[str]:
    """Which of the marks stand there, however written."""
    raw = content.encode() if isinstance(content, str) else content
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda letter: chr(int(letter[1], 16)), raw.decode("utf-8", "replace"))
    folded = fold(unicodedata.normalize("NFKC", text))
    dense = "".join(letter for letter in folded if letter.isalnum())
    return [one for one in MARKED if one in folded or one.isdigit() and one in dense]


def test_the_search_finds_what_it_looks_for():
    assert found(SPELT) == [fold(NAME), PHONE[1:], EMAIL, CCCD]
    assert found('{"x": "Tr\\u1ecbnh Th\\u1ecb \\u0110\\u1eb7c Bi\\u1ec7t"}') == [fold(NAME)]


def lived_through(hotline: Hotline, secrecy: str = "C2") -> str:
    """A case in which what is marked has come up wherever it can; its number. Sở Y tế watches over it."""
    watched = LIFE.replace("tiep_nhan -> xu_ly", "tiep_nhan -> giam_sat -> xu_ly").replace(
        "race cho", "script giam_sat script='monitor_agency = \"so_yt_74\"'\nrace cho", 1
    )
    hotline.deploys(type__toml=TYPE.format(secrecy=secrecy), process__bpmn=draw(watched, "PAKN"),
                    tiep_nhan_phan_anh__form=INTAKE)  # fmt: skip
    said = {"noi_dung": f"Quán ồn. {SPELT}", "ghi_chu": SPELT, "so_nha": "Nhà bốn tầng sơn xanh"}
    number = hotline.receives(answers=said, reporter=REPORTER, beneficiary=REPORTER, subject=f"Ồn: {FIRST}",
                              place=f"Chợ Bàu Bàng, hỏi {NAME} {PHONE}")  # fmt: skip
    secret = hotline.receipt["secret"]
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    wrote = {"secret": secret, "kind": "information", "text": SPELT}
    assert hotline.as_(None).post(f"/track/{number}/message", wrote).status_code == 200
    for caller, name, content in (("truc", f"{NAME} {PHONE}.jpg", PHOTO), ("phuong", f"{fold(NAME)}.txt", b"a text"),
                                  ("truc", "don.pdf", PAPER), ("truc", "phim.mov", FILM),
                                  ("truc", "hong.mov", FILM.replace(b"stco", b"stcx"))):  # fmt: skip
        sent = {"file": (io.BytesIO(content), name)}
        assert hotline.as_(caller).call("POST", f"/cases/{number}/attachments", data=sent).status_code == 201
    assert hotline.as_("truc").post(f"/cases/{number}/comments", {"text": SPELT}).status_code == 201
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads('call_bridge = "https://pbx.example/noi-may"\n' + PROVINCE))
    called = hotline.as_("phuong").post(f"/cases/{number}/reporter/call", {"desk": "0274 382 2825"})
    assert called.status_code == 200, called.text
    paused = hotline.as_("vanphong").post(f"/cases/{number}/pause", {"reason": SPELT}, If_Match=etag(hotline, number))
    assert paused.status_code == 200, paused.text
    assert hotline.as_("vanphong").post(f"/cases/{number}/resume", If_Match=etag(hotline, number)).status_code == 200
    assert hotline.as_("vanphong").get(f"/cases/{number}/reporter").json["items"][0]["name"] == NAME
    return number


def etag(hotline: Hotline, number: str) -> str:
    return str(hotline.case(number)["etag"])


# -- at rest -------------------------------------------------------------------------------------------------------


def test_nothing_marked_lies_in_the_database_nor_in_the_log(hotline, caplog):
    caplog.set_level(logging.DEBUG)
    number = lived_through(hotline)
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua=SPELT)
    sent: list[Message] = []
    Worker(hotline.runtime, {"zalo": _Post(sent)}).drain()

    assert found(sent[-1].text) and sent[-1].to == ZALO  # what is sealed is opened where it has to be
    dump = dumped(hotline)
    assert b"ubnd_74_718" in dump and found(dump) == []
    assert found(caplog.text) == []
    with hotline.runtime.read() as unit:
        person = unit.all(select(model.people))[0]
    assert (person.name, person.phone, person.zalo) == (NAME, "+84987650321", ZALO)
    assert [one["number"] for one in hotline.as_("truc").get("/reports/similar", phone=PHONE).json["items"]] == [number]


class _Post:
    def __init__(self, sent: list[Message]) -> None:
        self.sent = sent

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt()


def dumped(hotline: Hotline) -> bytes:
    """Everything that the database has on its disk, or would write into a dump."""
    engine = hotline.runtime.database
    if engine.dialect.name == "sqlite":
        path = Path(str(engine.url.database))
        return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    with engine.connect() as connection:
        whole = [text(f'SELECT "{name}"::text FROM "{name}"') for name in inspect(engine).get_table_names()]
        rows = [connection.execute(one).all() for one in whole]
        states = [row[0] for row in connection.execute(text("SELECT state FROM instances"))]
    return "\n".join(str(row) for table in rows for row in table).encode() + b"".join(map(bytes, states))


# -- behind the veil -----------------------------------------------------------------------------------------------

SKIPPED = ("/static/", "/engine-rest/engine/default/")  # files of ours; the same addresses once more
ENDS_IT = re.compile("dang-xuat|token|session|login|tai-khoan|identity|user")  # what one is logged in with
ANY = {"reason": "Vì cần phải làm rõ", "text": "Xin cho biết", "answers": {"ket_qua": "da_giai_quyet"}, "variables": {}}


def values(hotline: Hotline, number: str) -> dict[str, list[Any]]:
    """What to put into an address, by the name of its part; a new part has to be named here."""
    ids: list[Any] = list(range(1, 7))
    kept = {name: ids for name in ("attachment_id", "task_id", "incident_id", "letter_id", "arrival_id", "job_id",
                                   "contact_id", "fetch_id", "absence_id", "token_id", "unmasking_id")}  # fmt: skip
    return kept | {
        "number": [number], "import_id": [1], "migration_id": [1], "definition_id": [1], "row_id": [1],
        "code": ["PAKN"], "day": ["2021-09-03"], "key": ["PAKN", "S01", "ubnd_74_718"], "province": ["74"],
        "month": ["2021-09.json"], "form": ["tiep_nhan_phan_anh", "json"], "file": ["type.toml"], "login": ["phuong"],
        "token": ["x"], "path": ["x"], "state": ["open"], "what": ["waiting"], "which": ["1"], "tenant": ["74"],
        "text": ["PAKN:1:1", number, f"{number}:1", "phuong"], "message": ["msg_cau_hoi"],
        "message_id": [1], "declared_id": [1], "comment_id": [1, 2], "filter_id": [1], "name": ["noi_dung", "task"],
        "action": ["suspend"], "answer": ["grant"], "group": ["ubnd_74_718"], "step": ["xu_ly"],
    }  # fmt: skip


def doors(hotline: Hotline) -> list[Rule]:
    return [rule for rule in hotline.app.url_map.iter_rules() if not rule.rule.startswith(SKIPPED)]


def filled_in(hotline: Hotline, rule: Rule, known: dict[str, list[Any]]) -> Iterator[str]:
    """A rule's addresses with each of these values in each of its parts that takes it."""
    here = known | {name: [value] for name, value in (rule.defaults or {}).items()}
    missing = rule.arguments - here.keys()
    assert not missing, f"{rule.rule}: say in `values` what to put in for {missing}"
    adapter, names = hotline.app.url_map.bind("localhost"), sorted(rule.arguments)
    for filled in itertools.product(*(here[name] for name in names)):
        try:
            path = adapter.build(rule.endpoint, dict(zip(names, filled, strict=True)))
        except Exception:  # a value that this part does not take
            continue
        yield path


def addresses(hotline: Hotline, number: str) -> list[str]:
    """Every address that can be read, of the API, of /engine-rest, of the pages, as this case fills it in."""
    known = values(hotline, number)
    rules = [rule for rule in doors(hotline) if "GET" in (rule.methods or ())]
    there = [path for rule in rules for path in filled_in(hotline, rule, known)]
    narrowed = [f"{path}?processInstanceId={number}" for path in there if "/engine-rest/history/" in path]
    asked = [f"/api/v1/cases?q={PHONE}", f"/api/v1/tasks?case={number}", "/api/v1/cases?stuck=true",
             f"/api/v1/outbox?case={number}", f"/api/v1/history?case={number}"]  # fmt: skip
    return sorted({*there, *narrowed, *asked})


def reads(hotline: Hotline, login: str, path: str) -> bytes:
    client = hotline.app.test_client()
    with client.session_transaction() as kept:
        kept[door.TOKEN], kept[door.SEEN] = hotline.tokens[login], hotline.clock().timestamp()
    headers = {"Authorization": f"Bearer {hotline.tokens[login]}"} if path.startswith(("/api/", "/engine-rest")) else {}
    answer = client.get(path, headers=headers, buffered=True)
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return head.encode() + b"\n" + answer.get_data() if f"q={PHONE}" not in path else answer.get_data()


@pytest.mark.parametrize("login", ["phuong", "yte", "mattran", "phantich", "binh"])
def test_no_address_tells_who_reported(veiled_hotline, login):
    hotline, number, paths = veiled_hotline
    told = {path: content for path in paths if (content := reads(hotline, login, path))}
    leaks = {path: marks for path, content in told.items() if (marks := found(content))}

    assert leaks == {}
    assert len(told) > 200
    if login == "phuong":  # and yet there was something to see
        assert MASK.encode() in told[f"/vu-viec/{number}"]
        assert "bốn tầng" not in told[f"/vu-viec/{number}"].decode()
        assert hotline.as_(login).get("/cases", q=PHONE).json["items"] == []  # nor does searching tell
        assert number in told["/viec"].decode() and number not in reads(hotline, login, f"/viec?q={NAME}").decode()


@pytest.fixture(scope="module")
def veiled_hotline(sqlite_template, tmp_path_factory, founded):
    """One case for all who look, on SQLite: the question is what is written out."""
    yield from _watched_by_all(sqlite_template, tmp_path_factory.mktemp("firewall"), founded, "C2")


@pytest.fixture(scope="module")
def confidential_hotline(sqlite_template, tmp_path_factory, founded):
    """The same, and of a class of which every view is recorded."""
    yield from _watched_by_all(sqlite_template, tmp_path_factory.mktemp("confidential"), founded, "C3")


def _watched_by_all(sqlite_template, folder, founded, secrecy):
    from tests import databases
    from tests.apps import bound
    from tests.clock import Clock

    url = databases.replaced(folder / "firewall.db", sqlite_template)
    with bound(url, folder, Clock()) as app:
        hotline = Hotline(app, Clock(), founded)
        hotline.clock = app.extensions["thongsuot"].clock
        number = lived_through(hotline, secrecy)
        yield hotline, number, addresses(hotline, number)


def test_a_photo_tells_those_behind_the_veil_nothing_but_what_is_to_be_seen(veiled_hotline):
    hotline, number, paths = veiled_hotline
    file = hotline.as_("truc").get(f"/cases/{number}/attachments").json["items"][0]
    path = f"/cases/{number}/attachments/{file['id']}"
    assert hotline.as_("truc").get(path).data == PHOTO and len(found(PHOTO)) == 2
    told = hotline.as_("phuong").get(path)
    assert told.content_length == len(told.data) == len(PHOTO) - 52  # the name, the number; it is still turned
    assert told.headers["ETag"] != hotline.as_("truc").get(path).headers["ETag"]
    tables = PHOTO.index(b"\xff\xdb")
    assert told.data[-len(PHOTO) + tables + 10 :] == PHOTO[tables:-10] and b"\x01\x12\0\x03\0\0\0\1\0\x06" in told.data

    part = b"\xff\xfe\0\x0c" + PHONE.encode()  # a comment, before and between the passes
    scan = PHOTO.index(b"\xff\xda")
    twice = PHOTO[:scan] + part + PHOTO[scan:-12] + part + PHOTO[scan:]
    assert found(pictures.bare(twice, "image/jpeg")) == []
    assert pictures.bare(twice, "image/jpeg").count(PHOTO[scan:-12]) == 2
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(said).to_bytes(4, "big") + kind + said + b"-crc"
        for kind, said in ((b"IHDR", b"head"), (b"tEXt", NAME.encode()), (b"eXIf", PHONE.encode()), (b"IDAT", b"seen"),
                           (b"IEND", b""), (b"tEXt", EMAIL.encode()))  # fmt: skip
    )
    assert pictures.bare(png, "image/png") == png[:24] + png[png.index(b"IDAT") - 4 : png.index(b"IEND") + 8]
    webp = [(b"VP8X", b"\x3c" + b"\0" * 9), (b"VP8 ", b"seen!"), (b"EXIF", PHONE.encode()), (b"XMP ", EMAIL.encode())]
    packed = [kind + len(said).to_bytes(4, "little") + said + b"\0" * (len(said) % 2) for kind, said in webp]
    kept = packed[0].replace(b"\x3c", b"\x10") + packed[1]
    riff = b"RIFF\0\0\0\0WEBP" + b"".join(packed)
    assert pictures.bare(riff, "image/webp") == b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + kept
    for name, whole in (("jpeg", twice), ("png", png), ("webp", riff)):  # nor does one that was cut do any harm
        assert [found(pictures.bare(whole[:end], f"image/{name}")) for end in range(len(whole))] == [[]] * len(whole)
    assert pictures.bare(PHOTO, "application/pdf") == PHOTO


@pytest.mark.parametrize("login", ["yte", "mattran", "phantich", "binh"])
def test_no_address_tells_who_reported_a_confidential_case(confidential_hotline, login):
    hotline, number, paths = confidential_hotline
    told = {path: reads(hotline, login, path) for path in paths}

    assert {path: marks for path, content in told.items() if (marks := found(content))} == {}
    assert sum(map(bool, told.values())) > 200
    if login == "yte":
        case = told[f"/api/v1/cases/{number}"]
        assert MASK.encode() in case and "Quán ồn" in case.decode() and "bốn tầng" not in case.decode()


@pytest.mark.parametrize("login", ["vanphong", "phuong", "yte"])
def test_every_address_that_shows_the_words_of_a_confidential_case_notes_who_looked(confidential_hotline, login):
    hotline, number, paths = confidential_hotline
    shown, unnoted = [], []
    for path in paths:
        before, content = looks(hotline, login), reads(hotline, login, path)
        if "Quán ồn" in content.decode("utf-8", "replace") or found(content):
            shown.append(path)
            unnoted += [path] if looks(hotline, login) == before else []

    assert unnoted == []
    assert len(shown) > 5


def looks(hotline: Hotline, login: str) -> int:
    """How often somebody was shown what is recorded, as the histories say."""
    lines = select(func.count()).select_from(model.events)
    with hotline.runtime.read() as unit:
        return unit.scalar(lines.where(model.events.c.kind.in_(LOOKED), model.events.c.actor == login))


def changes(hotline: Hotline, number: str) -> list[tuple[str, str]]:
    """Every address that something can be sent to, but for those that end what one is logged in with."""
    there, known = set(), {name: some[:2] for name, some in values(hotline, number).items()}
    for rule in doors(hotline):
        methods = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if methods and not ENDS_IT.search(rule.rule):
            there |= set(itertools.product(methods, filled_in(hotline, rule, known)))
    return sorted(there)


@pytest.mark.parametrize("login", ["phuong", "phantich"])
def test_no_answer_to_what_is_sent_tells_who_reported(sqlite_url, clock, tmp_path, founded, login):
    from tests.apps import bound

    with bound(sqlite_url, tmp_path, clock) as app:
        hotline = Hotline(app, clock, founded)
        number = lived_through(hotline)
        client = app.test_client()
        with client.session_transaction() as kept:
            kept[door.TOKEN], kept[door.SEEN] = hotline.tokens[login], hotline.clock().timestamp()
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/tai-khoan").text)[1]
        by_form = {"X-CSRFToken": token}
        headers = {"Authorization": f"Bearer {hotline.tokens[login]}", "If-Match": "*"}
        told: dict[tuple[str, str, int], bytes] = {}
        for method, path in changes(hotline, number):
            for which, body in enumerate(({}, ANY)):
                is_api = path.startswith(("/api/", "/engine-rest"))
                words = {name: one for name, one in body.items() if isinstance(one, str)}
                sent = {"json": body, "headers": headers} if is_api else {"data": words, "headers": by_form}
                told[method, path, which] = whole(client.open(path, method=method, buffered=True, **sent))
        refusals = sum(b" 401 " in content[:30] for content in told.values())

        assert {one: marks for one, content in told.items() if (marks := found(content))} == {}
        assert len(told) > 300 and refusals < len(told) / 4
        assert hotline.as_(login).get("/tasks").status_code == 200  # was logged in to the end


def whole(answer: Any) -> bytes:
    """Its status, headers and body."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return f"HTTP {answer.status}\n{head}\n".encode() + answer.get_data()


def test_a_file_that_cannot_be_bared_waits_until_somebody_who_may_know_has_looked(hotline):
    number = lived_through(hotline)
    files = f"/cases/{number}/attachments"
    listed = hotline.as_("phuong").get(files).json["items"]
    # photos and films are bared, but for one of which nobody can say where it tells; her own text is hers
    assert [one["withheld"] for one in listed] == [False, False, True, False, True]
    text, paper, film, broken = (f"{files}/{one['id']}" for one in listed[1:])
    told = hotline.as_("phuong").get(film)
    assert len(found(FILM)) == 2 and found(told.data) == [] and len(told.data) == told.content_length == len(FILM)
    piece = hotline.as_("phuong").call("GET", film, headers={"Range": "bytes=100-199"})
    assert (piece.status_code, piece.data) == (206, told.data[100:200])
    assert hotline.as_("truc").get(film).data == FILM and refused(hotline.as_("phuong").get(broken), 403, "not-allowed")
    assert refused(hotline.as_("truc").post(f"{film}/release"), 409, "wrong-state")
    assert hotline.as_("hoa").get(text).status_code == 200  # nor does a colleague's tell her anything
    assert refused(hotline.as_("phuong").get(paper), 403, "not-allowed") and found(PAPER)
    assert "tổng đài phải xem trước" in reads(hotline, "phuong", f"/vu-viec/{number}").decode()
    assert refused(hotline.as_("phuong").post(f"{paper}/release"), 403, "not-allowed")
    assert refused(hotline.as_("truc").post(f"{text}/release"), 409, "wrong-state")
    assert refused(hotline.as_("truc").post(f"{files}/99/release"), 404, "not-found")
    assert hotline.as_("truc").get(paper).data == PAPER
    assert "Cho người xử lý mở" in reads(hotline, "truc", f"/vu-viec/{number}").decode()
    waits = f'<td><a href="/vu-viec/{number}">{number}</a></td><td class="number">2</td>'
    assert waits in reads(hotline, "truc", "/viec/tep-cho-mo").decode()
    assert "/viec/tep-cho-mo" in reads(hotline, "truc", "/viec").decode()
    assert number not in reads(hotline, "phuong", "/viec/tep-cho-mo").decode()
    (told,) = hotline.as_("truc").get("/attachments/waiting").json["items"]
    assert (told["number"], told["files"]) == (number, 2) and told["since"]
    assert hotline.as_("phuong").get("/attachments/waiting").json["items"] == []

    asked = hotline.as_("phuong").post(f"/cases/{number}/reporter/ask", {"reason": "Phải đọc đơn"}).json["id"]
    assert hotline.as_("vanphong").post(f"/unmaskings/{asked}/grant").status_code == 200
    assert hotline.as_("phuong").get(paper).data == PAPER
    seen = hotline.as_("vanphong").get(f"/cases/{number}/timeline", limit=200).json["items"][-1]
    assert (seen["actor"], seen["kind"]) == ("phuong", "case-viewed")
    hotline.waits(24)
    assert refused(hotline.as_("phuong").get(paper), 403, "not-allowed")

    assert hotline.as_("truc").post(f"{paper}/release").json == {"id": listed[2]["id"]}
    assert hotline.as_("phuong").get(paper).data == PAPER
    assert waits.replace(">2<", ">1<") in reads(hotline, "truc", "/viec/tep-cho-mo").decode()
    assert refused(hotline.as_("truc").post(f"{paper}/release"), 409, "wrong-state")


def test_a_file_that_an_answer_may_not_name_is_not_called_by_its_name_either(hotline):
    photo = {"type": "filepicker", "key": "anh", "label": "Ảnh", "accept": "image/*"}
    hotline.deploys(ket_qua__form=form("ket_qua", choice("ket_qua", "da_giai_quyet", "khong_dung"), photo))
    number = hotline.assigned(reporter=REPORTER)
    sent = {"file": (io.BytesIO(PAPER), f"Đơn của {NAME} {PHONE}.pdf")}
    paper = hotline.as_("truc").call("POST", f"/cases/{number}/attachments", data=sent).json["id"]

    task = hotline.task("phuong", number)["id"]
    answers = {"answers": {"ket_qua": "da_giai_quyet", "anh": [paper]}}
    refusal = hotline.as_("phuong").post(f"/tasks/{task}/complete", answers)

    said = refusal.json["errors"]["anh"]
    assert (refusal.status_code, found(refusal.text)) == (422, []) and said.startswith(f"Tệp Đơn của {MASK} {MASK}.pdf")


def test_those_who_may_know_read_it_as_it_was_said(hotline):
    number = lived_through(hotline)

    told = hotline.as_("truc").get(f"/cases/{number}").json
    assert told["report"]["ghi_chu"] == SPELT and told["report"]["so_nha"] == "Nhà bốn tầng sơn xanh"
    assert found(hotline.as_("truc").get(f"/cases/{number}/comments").text)
    assert found(hotline.as_("app").get(f"/cases/{number}").text)  # who sent it
    assert refused(hotline.as_("phuong").get(f"/cases/{number}/reporter"), 403, "not-allowed")
    refusal = hotline.as_("phuong").post(f"/cases/{number}/reopen", {"reason": "x"}, If_Match=etag(hotline, number))
    assert found(refusal.text) == []
