"""Whatever the gate can say, and why a case cannot be moved, is there in Vietnamese, too."""

from __future__ import annotations

import re

import pytest

from engine.flow import sentences as vietnamese
from engine.flow.check import check
from engine.flow.sentences import in_vietnamese
from tests import sentences
from tests.catalogue import CATALOGUE
from tests.sources import ROOT

FLOW = ("check", "draft", "diagram", "decisions", "dialect", "compiler", "expressions", "values", "xml", "parser",
        "feel", "feel_words", "scripts", "statements", "calls", "outlook", "transfer", "moments", "functions",
        "operations", "loops", "policies", "tables", "events", "nodes", "machine", "several", "gateways",
        "addressing")  # fmt: skip
FORMS = ("branch", "conditions", "form", "layout", "patterns", "questions")
OTHERS = ("versions/transfers", "terms/term", "terms/hours", "terms/promises", "language/texts", "stuck",
          "places/agency_changes", "reasons")
SPEAKING = [
    *(ROOT / "engine" / "flow" / f"{name}.py" for name in FLOW),
    *sorted(path for path in (ROOT / "engine" / "flow" / "rules").glob("*.py") if path.stem != "codes"),
    *(ROOT / "engine" / "forms" / f"{name}.py" for name in FORMS),
    *(ROOT / "engine" / f"{name}.py" for name in OTHERS),
]
NO_SENTENCES = {
    "at line (\\d+)", "[.,] (?:Perhaps|Maybe)", ", line ", ", use XML_PARSE_HUGE",  # looked for in others' words
    "<Expression {0}>", "<Script {0}>", 'PT5H, R3/PT10M, 2021-09-03T17:00+07:00 or due("case")',
    "list contains", "string length", "starts with", "ends with", "upper case", "lower case",  # functions of forms
    " (({0}) if ({1}) else ({2}))", " [{0} for {1} in {2}]", " (len([{0} for {1} in {2} if {3}]) > 0)",
    " (len([{0} for {1} in {2} if not ({3})]) == 0)", "{0} {1} ({2}) and {3} {4} ({5})",
    "{0} làm việc", "dưới 1 phút", "vừa quá hạn", "quá hạn", "a {0}",
    "{0} has no time zone: nobody can say which moment it is.",  # to programmers
}  # fmt: skip
PLACE = re.compile(r"\{\d\}")
QUOTED = re.compile(r"'[^']*'|“[^”]*”|\"[^\"]*\"|\([^)]*\)|Expecting .*|Opening and .*")  # names, and words of others
ENGLISH = re.compile(r"\b(the|of|is|are|it|its|and|for|with|there|this|has|not|no|which|write|such)\b", re.I)


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: path.stem)
def test_every_sentence_has_a_vietnamese_one(path):
    known = vietnamese.read().keys() | NO_SENTENCES

    assert [f"{path.name}:{line}: {said}" for line, said in sentences.of(path) if said not in known] == []


def test_whatever_becomes_an_incident_has_a_vietnamese_sentence():
    """What is given to these is what an incident shows."""
    known = vietnamese.read().keys()
    told = [(path.name, said) for path in sorted((ROOT / "engine").rglob("*.py")) for _, said in
            sentences.given_to(path, {"ProcessFault", "fault", "_give_up", "_given_up", "bury"})]  # fmt: skip

    told += [(path.name, said) for path in (*(ROOT / "engine" / "notifiers").glob("*.py"), ROOT /
    "engine/work/delivery.py", ROOT / "engine/messaging/bridge.py")
             for _, said in sentences.given_to(path, {"TryLater", "Undeliverable", "_refusal"})]  # fmt: skip
    assert len(told) > 60
    assert [(name, said) for name, said in told if said not in known] == []


def test_how_a_scenario_does_not_go_as_it_says_has_a_vietnamese_sentence():
    told = [said for path in (ROOT / "webapi/rehearsal").glob("*.py") for _, said in
            sentences.given_to(path, {"Failed"})]  # fmt: skip

    assert len(told) >= 10
    assert [one for one in told if one not in vietnamese.read()] == []


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("scenario.toml: step 1 (who tongdai_74, task phan_loai), at 23:00 04/09/2021: tongdai_74 has no task "
         "phan_loai; open are {'kiem_tra': 'vpubnd_74'}.",
         "Bước 1 của kịch bản (who tongdai_74, task phan_loai), lúc 23:00 04/09/2021: tongdai_74 không có việc "
         "phan_loai; đang mở: {'kiem_tra': 'vpubnd_74'}."),
        ("Decision 'Mức độ': No row fits. The inputs were: so_nguoi = null.",
         "Bảng quyết định 'Mức độ': Không dòng nào khớp. Đầu vào là: so_nguoi = null."),
        ("Decision 'Mức độ': Row 3, Hạn: '<' cannot compare text with a duration of days and time.",
         "Bảng quyết định 'Mức độ': Dòng 3, Hạn: '<' không so sánh được văn bản với một khoảng thời gian tính theo "
         "ngày giờ."),
        ("'Xác minh': its group came out as None, not as an agency's key",
         "'Xác minh': nhóm nhận việc tính ra None, không phải mã của một cơ quan"),
        ("'Tính hạn': Line 2, column 8: Cannot add text and a number. Write str(…) around what is not text.",
         "'Tính hạn': Dòng 2, cột 8: Không cộng được văn bản với một số. Hãy viết str(…) quanh thứ không phải văn "
         "bản."),
        ("The service 'tra_cuu' did not answer: the worker died in each of 7 attempts",
         "Dịch vụ 'tra_cuu' không trả lời: tiến trình xử lý đều dừng giữa chừng trong cả 7 lần thử"),
        ("This could not be done in 3 attempts: KeyError: 'x'",
         "Không thực hiện được sau 3 lần thử: lỗi KeyError trong máy chủ: 'x'"),
        ("The step Complete failed: ZeroDivisionError: division by zero",
         "Bước Complete không thực hiện được: lỗi ZeroDivisionError trong máy chủ: division by zero"),
        ("The task 'Xử lý' of the unknown agency 'x_74' is overdue since 15:30 03/09/2021; nobody has claimed it.",
         "Công việc 'Xử lý' của cơ quan không rõ 'x_74' quá hạn từ 15:30 03/09/2021; chưa ai nhận."),
        ("The job 'timer' that was due at 15:30 03/09/2021 is suspended: KeyError: 'x'",
         "Việc nền 'hẹn giờ' đến hạn lúc 15:30 03/09/2021 đang bị treo: lỗi KeyError trong máy chủ: 'x'"),
        ("The message 'msg_ket_qua': No case of the province has waited for it with this key in 7 days and 0 hours. "
         "Retry, and it is tried for as long again.",
         "Thông điệp 'msg_ket_qua': Trong 7 ngày 0 giờ, không vụ việc nào của tỉnh chờ nó với khóa này. Hãy thử lại, "
         "khi đó sẽ lại chờ bấy nhiêu lâu nữa."),
        ("The mail server mail.example cannot be used: it did not answer in time.",
         "Không dùng được máy chủ thư mail.example: không trả lời kịp."),
        ("The SMS gateway answered 503.", "Cổng SMS trả lời 503."),
        ("There is no e-mail address to send it to.", "Không có địa chỉ thư điện tử để gửi đến."),
    ],
)  # fmt: skip
def test_what_an_incident_says_is_put_together_in_vietnamese(said, there):
    assert in_vietnamese(said) == there


def test_every_vietnamese_sentence_speaks_of_the_same():
    for said, there in vietnamese.read().items():
        assert sorted(set(PLACE.findall(said))) == sorted(set(PLACE.findall(there))), said
        assert there.strip() and there.startswith(" ") == said.startswith(" "), said


def test_what_the_gate_says_of_broken_packages_is_vietnamese_throughout():
    told = {fault.message: fault.to_json()["message_vi"] for one in CATALOGUE for fault in check(one.files)}

    assert len(told) > 150
    assert [(said, there) for said, there in told.items() if ENGLISH.search(QUOTED.sub("", there))] == []
    lost = [said for said, there in told.items() if not all(name in there for name in re.findall(r"\(\w+\)", said))]
    assert lost == []


@pytest.mark.parametrize(("said", "there"), [
    ("It stands at 'Xử lý' (xu_ly), which the other version does not have.",
     "Vụ việc đang ở 'Xử lý' (xu_ly), mà phiên bản kia không có."),
    ("From where it stands, 'Gộp' (gop) could then wait for ever for a token that does not come.",
     "Từ chỗ vụ việc đang đứng, khi ấy 'Gộp' (gop) có thể chờ mãi một dấu hiệu (token) không bao giờ đến."),
    ("Give the receive task 'c' a message to wait for: as it is, it waits for nothing.",
     "Hãy cho công việc nhận 'c' một thông điệp để chờ: như hiện nay nó chẳng chờ gì."),
    ("Correct the condition of the flow 'f1', “a >”: column 4: '(' is never closed.",
     "Hãy sửa điều kiện của luồng 'f1', “a >”: cột 4: '(' không được đóng lại."),
    ("Give 'Xử lý' (x) to an agency of province.toml: there is no agency 'abc'. Did you mean 'abd'?",
     "Hãy giao 'Xử lý' (x) cho một cơ quan trong province.toml: không có cơ quan 'abc'. Có phải ý ông (bà) là 'abd'?"),
    ("Nobody has ever said this.", "Nobody has ever said this."), ("", ""),
])  # fmt: skip
def test_parts_of_sentences_are_found_in_sentences(said, there):
    assert in_vietnamese(said) == there
