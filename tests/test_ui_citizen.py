"""The citizen's pages without a browser: what is sent becomes a case, once; what is wrong is said; nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine import model
from engine.public import offers
from tests.province import Province
from tests.visitor import Page, Visitor, codes, style_free

FORM = "/gui/bd/BDKK"
SAID: dict[str, Any] = {
    "a__noi_dung": "Nhà bốn người hết gạo từ hôm qua", "a__loai_y_kien": "de_nghi", "a__luong_thuc": "het_hom_nay",
    "a__nguoi_yeu_the": "co", "a__can": ["gao", "sua"], "area": "718", "name": "Nguyễn Văn Bình",
    "phone": "0912 345 678",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def visitor(province: Province) -> Visitor:
    return Visitor(province.app)


def sent(visitor: Visitor, **more: Any) -> Page:
    return visitor.sends(visitor.opens(FORM), **SAID | more)


def kept(province: Province, table: Any, *where: Any) -> list[Any]:
    with province.runtime.read() as unit:
        return unit.all(select(table).where(*where).order_by(table.c.id))


def known(province: Province, page: Page) -> str:
    """The number on a receipt; the province's stories go on with it."""
    number, secret = codes(page)
    province.secrets[number] = secret
    return number


# -- sending -------------------------------------------------------------------------------------------------------


def test_a_report_becomes_a_case_and_one_contact_of_the_channel_web(province: Province, visitor: Visitor):
    receipt = sent(visitor, a__mang_thai="true", email="binh@example.vn")

    number = known(province, receipt)
    (case,) = kept(province, model.cases)
    assert (case.number, case.channel, case.report_type, case.area) == (number, "web", "BDKK", "718")
    assert case.report["can"] == ["gao", "sua"] and case.report["mang_thai"] is True
    (person,) = kept(province, model.people)
    assert (person.part, person.name, person.phone) == ("reporter", "Nguyễn Văn Bình", "+84912345678")
    (contact,) = kept(province, model.contacts)
    assert (contact.channel, contact.outcome, contact.case_id) == ("web", "case", case.id)
    assert province.tasks(number) == {"phan_loai": "tongdai_74"}


def test_the_receipt_has_number_secret_code_link_and_what_comes_next(province: Province, visitor: Visitor):
    receipt = sent(visitor)

    number, secret = known(province, receipt), codes(receipt)[1]
    assert receipt.url == f"/da-gui/{number}" and len(receipt.find("//*[local-name()='svg']")) == 1
    (link,) = receipt.find(f"//main//a[contains(@href, '{number}')]/@href")
    assert secret in link and "Phân loại" in receipt.text and "13:00 03/09/2021" in receipt.text
    stranger = Visitor(province.app)
    assert "Bước 1/7: Phân loại" in stranger.opens(link[link.index("/tra-cuu"):]).text
    assert secret not in stranger.opens(f"/da-gui/{number}").source  # the receipt is for the browser that sent it


def test_a_form_sent_twice_is_one_case_and_another_content_is_another_case(province: Province, visitor: Visitor):
    page = visitor.opens(FORM)

    first, again, other = (visitor.sends(page, **SAID | {"a__noi_dung": words}) for words in ("một", "một", "hai"))

    assert codes(first) == codes(again) != codes(other)
    assert known(province, first) and known(province, other) and len(kept(province, model.cases)) == 2


WRONG = (
    ({"a__noi_dung": " "}, "Hãy điền “Nội dung”."),
    ({"a__luong_thuc": "nhieu"}, "Hãy chọn một trong các lựa chọn có sẵn."),
    ({"a__so_nguoi": "999"}, "Hãy nhập một số không quá 200."),
    ({"phone": "12"}, "Số điện thoại chưa đúng. Hãy viết như 0912345678."),
    ({"phone": ""}, "Hãy cho biết số điện thoại để chúng tôi gọi lại."),
    ({"name": ""}, "Hãy cho biết họ tên của ông (bà)."),
    ({"email": "không"}, "Địa chỉ thư điện tử chưa đúng. Hãy viết như ten@example.vn."),
    ({"area": "999"}, "Nơi này không chọn được: hãy để “Không rõ” và ghi địa chỉ bằng lời."),
    ({"website": "http://spam.example"}, "Phản ánh chưa được gửi. Hãy để trống ô cuối trang rồi gửi lại."),
)


def test_what_is_wrong_is_said_and_what_was_written_stays(province: Province, visitor: Visitor):
    for wrong, sentence in WRONG:
        page = sent(visitor, **wrong)

        assert page.status == 422 and sentence in page.faults, (sentence, page.faults)
        assert kept(province, model.cases) == []
    again = visitor.sends(page, website="")
    assert known(province, again)
    assert kept(province, model.people)[0].name == "Nguyễn Văn Bình"


def test_all_that_is_wrong_is_said_at_once(province: Province, visitor: Visitor):
    page = sent(visitor, name="", phone="", a__noi_dung="")

    named = [sentence for wrong, sentence in WRONG if wrong in ({"name": ""}, {"phone": ""}, {"a__noi_dung": " "})]
    assert len(named) == 3 and set(named) == set(page.faults)


def test_files_come_along_even_if_the_form_comes_back_once(province: Province, visitor: Visitor):
    page = sent(visitor, phone="12", files=[("ảnh.png", PNG), ("giấy.txt", "thư".encode())])
    assert page.status == 422 and "ảnh.png" in page.text

    number = known(province, visitor.sends(page, phone=SAID["phone"], files=("thêm.txt", b"x")))

    files = kept(province, model.attachments)
    assert [(one.name, one.media_type, one.author) for one in files] == [
        ("ảnh.png", "image/png", "citizen"), ("giấy.txt", "text/plain", "citizen"),
        ("thêm.txt", "text/plain", "citizen"),
    ]  # fmt: skip
    assert "ảnh.png" in visitor.opens(f"/tra-cuu/{number}").text


def test_a_slip_of_a_file_that_we_did_not_write_is_worth_nothing(province: Province, visitor: Visitor):
    known(province, sent(visitor, kept='["../../etc/passwd",1,"text/plain","x"].abc'))

    assert kept(province, model.attachments) == []


def test_a_file_that_cannot_be_taken_is_named_and_the_rest_stays(province: Province, visitor: Visitor):
    province.app.config["BODY_MAX"] = 20_000
    for file in (("rỗng.txt", b""), ("lớn.bin", b"x" * 20_001)):
        page = sent(visitor, files=file)

        assert page.status == 422 and "Có tệp rỗng hoặc quá lớn; các tệp vừa chọn chưa được nhận." in page.faults
        assert "Nhà bốn người hết gạo" in page.text and kept(province, model.cases) == []


def test_who_needs_help_may_be_somebody_else(province: Province, visitor: Visitor):
    known(province, sent(visitor, for_other="1", b_name="Trần Thị Hoa", b_phone="0987654321"))

    assert [(one.part, one.name) for one in kept(province, model.people)] == [
        ("reporter", "Nguyễn Văn Bình"), ("beneficiary", "Trần Thị Hoa"),
    ]  # fmt: skip


def test_a_type_that_allows_it_can_be_sent_without_a_name(province: Province, visitor: Visitor):
    page = visitor.sends(visitor.opens("/gui/bd/BDTT"), a__noi_dung="Quán mở cửa", a__hanh_vi="khong_khau_trang",
                         a__dang_dien_ra="khong_ro", area="718", anonymous="1", name="Lỡ ghi tên")  # fmt: skip

    assert known(province, page)
    (person,) = kept(province, model.people)
    assert (person.name, person.anonymous) == (None, True)


def test_questions_come_and_go_by_the_servers_word(province: Province, visitor: Visitor):
    page = visitor.opens(FORM)
    (part,) = page.find("//*[@data-part='Truong_kien_nghi_giai_phap']")
    assert part.get("hidden") is not None

    token = page.find("//main//input[@name='csrf_token']/@value")[0]
    asked = visitor.client.post(f"{FORM}/an", data={"a.loai_y_kien": "kien_nghi", "csrf_token": token})
    again = visitor.sends(page, a__loai_y_kien="kien_nghi", a__noi_dung="Dở dang", refresh="1")

    assert asked.json == []
    assert again.status == 200 and again.find("//*[@data-part='Truong_kien_nghi_giai_phap']")[0].get("hidden") is None
    assert "Dở dang" in again.text and kept(province, model.cases) == []


def test_a_flood_from_one_address_is_held_back_and_others_get_through(
    province: Province, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(offers, "PER_ADDRESS", 2)
    for words in ("một", "hai"):
        known(province, sent(visitor, a__noi_dung=words))

    held = sent(visitor, a__noi_dung="ba")

    assert held.status == 422 and held.faults[0].startswith("Nhiều phản ánh vừa được gửi từ mạng này.")
    assert "ba" in held.find("//textarea")[0].text
    assert known(province, sent(Visitor(province.app, "10.9.9.9"), a__noi_dung="ba"))
    province.clock.advance(timedelta(minutes=16))
    assert known(province, visitor.sends(held))


def test_a_form_without_its_token_is_not_taken(province: Province, visitor: Visitor):
    page = sent(visitor, csrf_token=None)

    assert page.status == 400 and "Trang này đã mở quá lâu" in page.text
    assert kept(province, model.cases) == []


# -- what is offered -----------------------------------------------------------------------------------------------


def test_what_a_province_offers_is_data_in_both_languages(province: Province, visitor: Visitor):
    offered = [one for one in province.shipped.packages.values() if "web" in one.type]

    assert len(offered) == 27
    assert {"BDGN", "CC115", "F0CD"}.isdisjoint({one.code for one in offered})
    for package in offered:
        for words in (package.type["web"]["title"], package.type["web"]["hint"]):
            assert words["vi"] and words["en"], package.code
    page, english = visitor.opens("/gui/bd"), visitor.opens("/gui/bd?lang=en")
    assert len(page.find("//*[@class='choices']//a")) == 5 and "Khó khăn, cần giúp đỡ" in page.text
    assert english.find("//html/@lang") == ["en"] and "In hardship" in english.text
    assert visitor.opens("/gui/bd").find("//html/@lang") == ["en"]  # remembered


def test_what_is_not_offered_does_not_exist(visitor: Visitor):
    for path in ("/gui/zz", "/gui/bd/BDGN", "/gui/bd/DNYT", "/gui/hn/CC115", "/gui/bd/KHONG"):
        page = visitor.opens(path)

        assert page.status == 404 and "Không có trang này" in page.text


def test_no_offered_form_speaks_to_citizens_as_to_staff(province: Province, visitor: Visitor):
    shorts: dict[str, str] = {}
    with province.runtime.read() as unit:
        shorts |= {row.code: row.short.lower() for row in offers.served(unit)}
    for package in province.shipped.packages.values():
        if "web" in package.type:
            page = visitor.opens(f"/gui/{shorts[package.province['code']]}/{package.code}")
            assert page.status == 200 and style_free(page), package.code
            for words in ("Ghi trung thực", "HC-", "người gọi", "nối máy"):
                assert words not in page.text, (package.code, words)


# -- following -----------------------------------------------------------------------------------------------------


def shown(province: Province, number: str) -> tuple[Visitor, Page]:
    visitor = Visitor(province.app)
    page = visitor.opens("/tra-cuu")
    return visitor, visitor.sends(page, number=number.lower(), secret=province.secrets[number])


def test_a_case_is_followed_in_the_words_of_its_diagram(province: Province):
    number = province.passes_on("BDTT", area="718")
    province.does("ubnd_74_718", number, "don_vi_nhan")

    _, page = shown(province, number)

    assert page.url == f"/tra-cuu/{number}"  # without the secret
    assert "Bước 3/7: Xác minh tại chỗ , hạn 09:30 03/09/2021" in page.text.replace("chỗ,", "chỗ ,")
    assert "UBND thành phố Thủ Dầu Một" in page.text and "đã tiếp nhận phản ánh của ông (bà)" in page.text
    assert [one.text_content() for one in page.find("//li[@class='is-done']")] == ["Phân loại", "Đơn vị nhận việc"]
    assert "tongdai" not in page.source and "ubnd_74" not in page.source


def test_a_wrong_secret_and_an_unknown_number_are_told_the_same_and_are_slowed_down(province: Province):
    number = province.receives("BDCS")
    visitor = Visitor(province.app)
    form = visitor.opens("/tra-cuu")

    wrong, unknown = (visitor.sends(form, number=one, secret="sai") for one in (number, "1022.BD.20210903.99999"))
    for _again in range(5):
        last = visitor.sends(form, number=number, secret="sai")

    def without_what_was_typed(page: Page, typed: str) -> str:
        return page.text.replace(typed, "…")

    assert wrong.status == unknown.status == 404
    assert without_what_was_typed(wrong, number) == without_what_was_typed(unknown, "1022.BD.20210903.99999")
    assert last.status == 429 and "Đã sai quá nhiều lần. Xin thử lại sau 15 phút." in last.text


def test_nobody_sees_a_case_without_its_secret(province: Province):
    number = province.receives("BDCS")
    visitor = Visitor(province.app)

    page = visitor.opens(f"/tra-cuu/{number}")

    assert page.find("//input[@name='secret']") and "Bước" not in page.text
    token = page.find("//input[@name='csrf_token']/@value")[0]
    said = visitor.posts(f"/tra-cuu/{number}/noi", {"kind": "information", "text": "xen vào", "csrf_token": token})
    assert said.find("//input[@name='secret']") and kept(province, model.comments) == []


def test_what_was_asked_for_is_given_with_files_and_the_case_goes_on(province: Province):
    number = province.receives("BDKK")
    province.does("tongdai_74", number, "phan_loai", quyet_dinh="bo_sung", muc_bo_sung="số nhà")
    visitor, page = shown(province, number)
    assert "Cần bổ sung thông tin" in page.text and "số nhà" in page.text

    empty = visitor.sends(page, text=" ")
    page = visitor.sends(page, text="Số 7, đường Yersin", files=("nhà.png", PNG))

    assert empty.status == 422 and empty.faults == ["Hãy viết vài lời."]
    assert "Đã nhận thông tin bổ sung." in page.text and "Số 7, đường Yersin" in page.text and "nhà.png" in page.text
    assert "phan_loai" in province.tasks(number)


def test_the_result_is_rated_once_or_reported_again_within_the_window(province: Province):
    solved = {}
    for name in ("rated", "again", "late"):
        solved[name] = province.passes_on("BDCS")
        province.does("bhxh_74", solved[name], "tra_loi")

    visitor, page = shown(province, solved["rated"])
    none = visitor.sends(page)
    page = visitor.sends(page, stars="4")
    assert none.faults == ["Hãy chọn từ 1 đến 5 sao."] and "4/5 sao" in page.text
    assert not page.find("//input[@name='stars']")

    visitor, page = shown(province, solved["again"])
    page = visitor.sends(page, form=1, text="Vẫn chưa nhận được")
    assert "Đã ghi nhận phản ánh lại." in page.text and "Đang xem xét lại" in page.text

    visitor, before = shown(province, solved["late"])
    province.waits("11 days")
    page = visitor.opens(before.url)
    assert not page.find("//input[@value='reopen']")
    late = visitor.sends(before, form=1, text="Quá muộn")
    assert late.status == 409 or not late.find("//input[@value='reopen']")


# -- every page ----------------------------------------------------------------------------------------------------


def test_pages_keep_to_a_strict_policy(visitor: Visitor):
    for path in ("/", "/gui/bd", FORM, "/tra-cuu", "/dang-nhap", "/khong-co"):
        page = visitor.opens(path)

        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=()"
        assert page.headers["Cache-Control"] == "no-store"
        assert style_free(page), path


def test_programs_are_refused_in_their_own_language(province: Province):
    answer = province.app.test_client().get("/khong-co", headers={"Accept": "application/json"})

    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


def test_communes_are_listed_for_a_district(province: Province, visitor: Visitor):
    with province.runtime.begin() as unit:
        unit.execute(model.areas.insert(), {
            "code": "25741", "province": "74", "name": "Phường Hiệp Thành", "parent": "718", "level": "commune",
            "search_name": "phuong hiep thanh", "search_short": "hiep thanh",
        })  # fmt: skip

    assert visitor.client.get("/gui/xa?district=718").json == [{"code": "25741", "name": "Phường Hiệp Thành"}]
    known(province, sent(visitor, commune="25741"))
    known(province, sent(visitor, area="719", commune="25741"))  # left over from another district
    assert [(case.area, case.commune) for case in kept(province, model.cases)] == [("718", "25741"), ("719", None)]


def test_the_same_number_of_contacts_and_cases(province: Province, visitor: Visitor):
    for words in ("một", "hai"):
        known(province, sent(visitor, a__noi_dung=words))

    with province.runtime.read() as unit:
        counts = [unit.scalar(select(func.count()).select_from(table)) for table in (model.cases, model.contacts)]
    assert counts == [2, 2]
