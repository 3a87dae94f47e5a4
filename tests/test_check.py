"""Every fault of a package is found at once, and named so that an analyst knows what to change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import process_time

import pytest

from engine.files import folders
from engine.flow.check import FAULTS_MAX, check
from engine.flow.parser import parse
from engine.flow.rules import CODES
from engine.flow.vietnamese import VIETNAMESE
from engine.flow.xml import XmlFault, parse_xml
from tests.broken import SIMPLE, SUB, Broken, around
from tests.catalogue import ASKS_HOUSE, CATALOGUE, DMN, OTHER
from tests.drawing import choice, draw, form, package

SHIPPED = folders.types_in(Path(__file__).parent.parent / "bpmn")
GOOD = """
start s
user verify "Xác minh"
xor dung "Đúng?"
tell thanks "Báo kết quả" outcome=da_giai_quyet text=DN25
tell sorry "Báo từ chối" outcome=tu_choi
end done "Xong" status=xong

s -> verify -> dung
dung -> thanks : ${ket_qua == "dung"}
dung -> sorry default
thanks -> done
sorry -> done
"""
VERIFY = {"verify.form": form("verify", choice("ket_qua", "dung", "sai"))}


def codes(files: Mapping[str, str | bytes]) -> list[str]:
    return sorted(fault.code for fault in check(files))


def test_a_good_package_has_no_fault():
    assert check(package(GOOD, files=VERIFY)) == []


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_is_shipped_has_no_fault(folder: Path):
    assert [str(fault) for fault in check(folders.read(folder))] == []


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: f"{one.code}: {one.name}")
def test_a_package_with_one_fault_is_told_exactly_that(one: Broken):
    [fault] = check(one.files)

    assert fault.code == one.code
    assert fault.message.endswith((".", "?"))
    assert fault.file in one.files or fault.code == "file-missing"
    lines = one.files.get(fault.file, "\n").splitlines()
    assert 1 <= fault.line <= len(lines)
    if fault.file.endswith(".bpmn") and fault.element and fault.element in one.files[fault.file]:
        assert fault.element in lines[fault.line - 1]


def test_whatever_is_let_in_with_a_warning_can_be_loaded():
    for one in CATALOGUE:
        if check(one.files)[0].severity == "warning":
            loaded = parse(one.files, "P", {})
            assert loaded.nodes, one.name


def test_every_code_there_is_has_a_package_that_shows_it():
    shown = {one.code for one in CATALOGUE} | {"too-many-states", "start-answers"}  # have tests of their own

    assert CODES.keys() - shown == set()
    assert VIETNAMESE.keys() == CODES.keys()
    assert shown - CODES.keys() == set()


def test_a_fault_says_where_what_and_what_to_change():
    drawing = GOOD.replace("dung -> sorry default", "dung -> sorry")

    [fault] = check(package(drawing, files=VERIFY))

    line = 1 + next(n for n, text in enumerate(draw(drawing).splitlines()) if 'id="flow4"' in text)
    assert (fault.file, fault.line, fault.element, fault.code) == ("process.bpmn", line, "flow4", "condition-missing")
    assert fault.message == (
        "Write a condition on the flow 'flow4', or make it the default flow of 'Đúng?' (dung): "
        "nothing says when it is taken."
    )
    assert str(fault) == f"process.bpmn:{line}: error [condition-missing] {fault.message}"
    assert fault.to_json()["severity"] == "error"


def test_a_fault_in_a_table_is_told_with_its_line():
    files = package(SIMPLE, type='[deadlines.a]\nterm = "PT9H"\ncalendar = "24/7"\n')

    [fault] = check(files)

    assert files["type.toml"].splitlines()[fault.line - 1] == 'term = "PT9H"'
    assert "is longer than the whole case" in fault.message


def test_a_word_that_is_nearly_right_is_asked_about():
    [fault] = check(package(around("user a group=ubmd", "a")))

    assert fault.message.endswith("Did you mean 'ubnd'?")


def test_all_faults_are_told_at_once():
    drawing = GOOD.replace('"Xác minh"', '"Xác minh" status=la_lung group=ubnd_la').replace("tell sorry", "task sorry")
    drawing = drawing.replace('${ket_qua == "dung"}', "${ket_qua ==}")

    found = codes(package(drawing, files={**VERIFY, "rac.txt": "?"}, type="[statuses.x]\n"))

    assert found == [
        "expression", "file-unknown", "group-unknown", "status-unknown",
        "table-missing", "table-value", "task-abstract",
    ]  # fmt: skip


def test_a_dead_end_is_told_with_the_way_into_it():
    drawing = """
    start s ; user a "Tiếp nhận" ; xor x "Loại?" ; user b "Y tế" ; user c "Công an" ; and j ; tell t ; end e
    s -> a -> x ; x -> b : channel == "web" ; x -> c default ; b -> j ; c -> j ; j -> t -> e
    """

    [fault] = check(package(drawing))

    assert fault.element == "j"
    assert "(s → “Tiếp nhận” → “Loại?” → “Y tế”)" in fault.message


def test_an_end_at_which_the_citizen_was_not_told_is_told_with_the_way_to_it():
    drawing = GOOD.replace("dung -> sorry default", "dung -> done default").replace("sorry -> done", "")

    faults = check(package(drawing.replace('tell sorry "Báo từ chối" outcome=tu_choi', ""), files=VERIFY))

    [fault] = faults
    assert (fault.code, fault.element) == ("citizen-not-told", "done")
    assert "(s → “Xác minh” → “Đúng?” → “Xong”)" in fault.message


# -- what is allowed -------------------------------------------------------------------------------------------------

ALLOWED = {
    "a message that starts the case": SIMPLE.replace("start s", "start s message=bao_moi"),
    "two timers behind an event gateway": around(
        "race r ; catch one timer=PT1H ; catch two timer=PT5H ; user a", "r -> one -> a"
    )
    + " ; r -> two -> a",
    "a receive task behind an event gateway": around(
        "race r ; catch one timer=PT1H ; receive two message=m", "r -> one"
    )
    + " ; r -> two -> t",
    "parallel branches that are joined": around("and f ; user a ; user b ; and j", "f -> a -> j") + " ; f -> b -> j",
    "inclusive branches that are joined": around("or f ; user a ; user b ; or j", "f")
    .replace("f -> t", "f -> a -> j -> t")
    .replace("f -> a", 'f -> a : channel == "web" ; a', 1)
    + " ; f -> b default ; b -> j",
    "a reminder that repeats": SIMPLE
    + " ; boundary r on=a cycle=R3/PT30M aside ; tell i to=desk ; end e2 ; r -> i -> e2",
    "a cycle that interrupts, as a duration": SIMPLE + " ; boundary r on=a timer=PT30M ; user b ; r -> b -> t",
    "due, warn and late": SIMPLE
    + " ; boundary w on=a date='warn(\"case\")' aside ; boundary l on=a date='late(\"case\", 0.5)'"
    " ; user b ; end e2 ; w -> e2 ; l -> b -> t",
    "a date and a quoted duration": around(
        "catch a date=2021-09-03T17:00:00+07:00 ; catch b timer='${\"PT5H\"}'", "a -> b"
    ),
    "an error that a border catches": around(
        SUB.replace("end e1", "end e1 error=E") + " ; boundary b on=box error=E ; user a", "box"
    )
    + " ; b -> a -> t",
    "an escalation that a border catches": around(
        SUB.replace("v -> e1", "v -> x1 -> e1").replace("end e1", "throw x1 escalation=E ; end e1")
        + " ; boundary b on=box escalation=E aside ; end e2",
        "box",
    )
    + " ; b -> e2",
    "a signal thrown and caught in the case": around(
        "and f ; user a ; throw x signal=S ; catch c signal=S ; and j", "f -> a -> x -> j"
    )
    + " ; f -> c -> j",
    "a message thrown and caught in the case": around(
        "and f ; user a ; throw x message=S ; receive c message=S ; and j", "f -> a -> x -> j"
    )
    + " ; f -> c -> j",
    "a message sent to another case": around("throw c message=x key='${number}' keep=P1D", "c"),
    "a message awaited under a key": around("catch c message=x key='${number}'", "c"),
    "a signal thrown in the whole province": around("throw c signal=x scope=province", "c"),
    "a signal heard in the whole province": around("catch c signal=x scope=province", "c"),
    "an end that ends everything": around("and f ; user a ; user b ; end k terminate ; tell t2", "f -> a")
    + " ; f -> b -> t2 -> k",
    "an end behind which a person tells the citizen": (
        'start s ; user a "Gọi điện trả lời" tells=reporter ; end e ; s -> a -> e'
    ),
    "an end at which nobody is told on purpose": "start s ; user a ; end e tells=nobody ; s -> a -> e",
    "a task that goes back": around("user a ; xor x", "a -> x")
    .replace("x -> t", "x -> t default")
    .replace("default -> e", "default ; t -> e")
    + ' ; x -> a : channel == "web"',
    "a lane with an expression": 'lane "Huyện": a ; ' + SIMPLE.replace("user a", "user a group=-"),
    "a service that answers": around("service a topic=tra_cuu result=ket_qua ; xor x ; user b", "a -> x")
    .replace("x -> t", "x -> t default")
    .replace("default -> e", "default ; t -> e")
    + " ; x -> b : ket_qua.co == true ; b -> t",
    "a script": around("script a script='so_lan = 1'", "a"),
    "a script that only asks whether something personal was said": around(
        "script a script='co_nha = len(so_nha) > 0 and so_nha != channel'", "a"
    ),
    "a called process": around("call a calls=P2", "a"),
    "a rule task": around("rule a decision=dinh_tuyen ; user b group='${lead_agency}'", "a -> b"),
}
MORE = {
    "a script that only asks whether something personal was said": {"files": ASKS_HOUSE},
    "a called process": {"files": OTHER},
    "a rule task": {"files": {"dinh_tuyen.dmn": DMN}},
    "a lane with an expression": {"type": '[lanes]\n"Huyện" = "${lead_agency}"'},
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_engine_can_do_is_let_in(name: str):
    files = package(ALLOWED[name], **MORE.get(name, {}))

    assert [str(fault) for fault in check(files)] == []
    parse(files, "P", {})


# -- what comes from outside -----------------------------------------------------------------------------------------

HOSTILE = {
    "nothing": b"",
    "no XML": b"\x89PNG\r\n",
    "UTF-16": draw(SIMPLE).encode("utf-16"),
    "Latin-1": draw(SIMPLE).replace("<bpmn:userTask", '<bpmn:userTask name="é"').encode("latin-1"),
    "a document type": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
    "an external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "a billion laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "an undeclared entity": b"<x>&e;</x>",
    "a style sheet": b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><x/>',
    "an instruction inside": b"<x><?php system('x')?></x>",
    "an instruction behind": b"<x/><?php system('x')?>",
    "great depth": b"<x>" * 5000 + b"</x>" * 5000,
    "some depth": b"<x>" * 120 + b"</x>" * 120,
    "many elements": b"<x>" + b"<y/>" * 70_000 + b"</x>",
    "great size": b"<x>" + b" " * 5_000_001 + b"</x>",
    "a NUL": b"<x a='\0'/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_xml_that_is_no_diagram_is_refused_in_a_sentence(name: str):
    with pytest.raises(XmlFault) as refused:
        parse_xml(HOSTILE[name], "x.bpmn")

    assert refused.value.line >= 1
    assert "x.bpmn" in refused.value.message
    assert codes({**package(SIMPLE), "x.bpmn": HOSTILE[name]}) == ["file-unreadable"]


HOSTILE_SETTINGS = {
    "a key of many parts": ".".join(["a"] * 9_000) + " = 1",
    "the same inside": "x = {" + " . ".join(['"a"'] * 9_000) + " = 1}",
    "great depth": "x = " + "[" * 9_000,
    "a huge number": "x = " + "9" * 9_000,
}


@pytest.mark.parametrize("name", HOSTILE_SETTINGS)
@pytest.mark.parametrize("file", ["type.toml", "province.toml"])
def test_settings_that_no_analyst_writes_are_refused_in_a_sentence(name: str, file: str):
    files = package(SIMPLE)
    (fault,) = check({**files, file: HOSTILE_SETTINGS[name] + "\n" + files[file]})

    assert (fault.code, fault.file) == ("file-unreadable", file)
    assert fault.message.startswith(f"{file} is not TOML: ")


def test_of_very_many_faults_the_errors_are_told():
    files = package(SIMPLE)
    files["type.toml"] += "\n" + "\n".join(f"[x{number}]" for number in range(1_500))
    files["type.toml"] += '\n[deadlines.a]\nterm = "5 giờ"\n'
    found = check(files)

    assert len(found) == FAULTS_MAX and found[0].severity == "error"
    assert found[-1].line == files["type.toml"].splitlines().index("[x997]") + 1


@pytest.mark.parametrize(("file", "code"), [("process.bpmn", "file-unreadable"), ("phan_loai.form", "form")])
def test_a_file_that_cannot_be_read_is_the_only_fault_told(file: str, code: str):
    files = folders.read(next(folder for folder in SHIPPED if folder.name == "DNYT"))
    assert codes({**files, file: files[file][: len(files[file]) // 2]}) == [code]


def test_text_that_is_half_a_character_is_refused():
    with pytest.raises(XmlFault):
        parse_xml("<x a='\ud800'/>", "x.bpmn")


def test_a_declared_encoding_does_not_matter_and_lines_stay_lines():
    source = '<?xml version="1.0"\n encoding="windows-1258"?>\n<x>\n<y/></x>'

    assert parse_xml(source, "x.bpmn")[0].sourceline == 4
    assert parse_xml(source.encode(), "x.bpmn")[0].sourceline == 4


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x",
        "[",
        "code = 3",
        "areas = 3\nagencies = 3\ntexts = 3",
        "[agencies]\nx = 1",
        "deadlines = 3\nlanes = 3\nstatuses = 3\noutcomes = 3\nname = 3\nprocess = []",
    ],
)
@pytest.mark.parametrize("file", ["type.toml", "province.toml"])
def test_no_table_is_so_wrong_that_the_check_falls_over_it(file: str, source: str):
    assert check(package(GOOD, files={**VERIFY, file: source})) != []


def test_no_diagram_is_so_wrong_that_the_check_falls_over_it():
    """Cut out each line in turn, and each attribute: whatever is left is judged, not tripped over."""
    lines = draw(
        GOOD + f"{SUB} ; race r ; catch c timer=PT1H ; boundary b on=verify error=E ; call k calls=P"
    ).splitlines()

    for n in range(2, len(lines) - 1):
        check(package("\n".join([*lines[:n], *lines[n + 1 :]]), files=VERIFY))
        for attribute in ("id", "sourceRef", "targetRef", "attachedToRef", "errorRef", "calledElement"):
            cut = lines[n].replace(f" {attribute}=", f" x{attribute}=", 1)
            check(package("\n".join([*lines[:n], cut, *lines[n + 1 :]]), files=VERIFY))


def test_too_many_files_are_refused():
    assert codes({f"{n}.form": "{}" for n in range(500)}) == ["file-unknown"]


# -- how long it takes -----------------------------------------------------------------------------------------------


def long_process(steps: int) -> str:
    """Step after step, each with a reminder and a way back to the first."""
    nodes, flows, before = ["start s", "end e", "tell t"], [], "s"
    for n in range(steps):
        nodes += [
            f"user u{n}",
            f"boundary b{n} on=u{n} timer=PT1H aside",
            f"tell r{n} to=desk",
            f"end e{n}",
            f"xor x{n}",
        ]
        flows += [f"{before} -> u{n} -> x{n}", f"b{n} -> r{n} -> e{n}", f'x{n} -> u0 : channel == "web"']
        before = f"x{n}"
    drawing = "\n".join([*nodes, *flows, f"{before} -> t default", "t -> e"])
    for n in range(steps - 1):
        drawing = drawing.replace(f"x{n} -> u{n + 1} -> x{n + 1}", f"x{n} -> u{n + 1} default\nu{n + 1} -> x{n + 1}")
    return drawing


def branches(count: int, length: int) -> str:
    """Parallel branches of steps, each step with a reminder."""
    names = [[f"u{b}_{n}" for n in range(length)] for b in range(count)]
    nodes = ["start s", "and f", "and j", "tell t", "end e", *(f"user {name}" for branch in names for name in branch)]
    flows = ["s -> f", "j -> t -> e", *(" -> ".join(["f", *branch, "j"]) for branch in names)]
    return "\n".join([*nodes, *flows])


@pytest.mark.parametrize(
    "drawing",
    [long_process(20), branches(3, 30), branches(6, 16), branches(12, 8)],
    ids=["one after the other", "3 × 30", "6 × 16", "12 × 8"],
)
def test_a_hundred_elements_are_checked_in_less_than_two_seconds(drawing: str):
    files = package(drawing)

    begun = process_time()
    faults = check(files)

    assert process_time() - begun < 10  # it ends; idle machines need a tenth
    assert [str(fault) for fault in faults] == []


def test_a_diagram_with_too_many_states_says_so_and_takes_no_longer():
    """Thirteen branches, each of which can come to the join in two ways that the join must tell apart."""
    drawing = branches(13, 1) + "\n" + "\n".join(f"boundary d{b} on=u{b}_0 timer=PT1H\nd{b} -> j" for b in range(13))

    begun = process_time()
    found = codes(package(drawing))

    assert process_time() - begun < 20  # as above
    assert found == ["too-many-states", "too-many-states"]


def test_processes_that_call_each_other_twice_at_every_level_take_no_longer():
    """Thirty levels would be a thousand million calls if each were followed."""
    level = "start s{0} ; call a{0} calls=L{1} ; call b{0} calls=L{1} ; end e{0} ; s{0} -> a{0} -> b{0} -> e{0}"
    files = {f"{n}.bpmn": draw(level.format(n, n + 1), f"L{n}") for n in range(30)}
    last = "start s ; user u ; xor x ; tell t ; end e ; end bad error=E"
    last += " ; s -> u -> x ; x -> t default ; t -> e ; x -> bad : channel"
    drawing = around("user a ; call c calls=L0", "a -> c")

    begun = process_time()
    found = codes(package(drawing, files={**files, "last.bpmn": draw(last, "L30")}))

    assert process_time() - begun < 10  # it ends; idle machines need a tenth
    assert found == ["error-uncaught"]


def test_processes_that_are_nested_too_deeply_are_refused():
    level = "start s{0} ; call a{0} calls=L{1} ; end e{0} ; s{0} -> a{0} -> e{0}"
    files = {f"{n}.bpmn": draw(level.format(n, n + 1), f"L{n}") for n in range(190)}
    files["last.bpmn"] = draw("start s ; user u ; end e ; s -> u -> e", "L190")

    assert codes(package(around("call c calls=L0", "c"), files=files)) == ["too-many-elements"]


def test_the_manual_lists_every_code():
    manual = (Path(__file__).parent.parent / "docs" / "check.md").read_text(encoding="utf-8")

    assert [line for line in manual.splitlines() if line.startswith("| `")][8:] == [
        f"| `{code}` | {meaning} |" for code, meaning in CODES.items()
    ]
