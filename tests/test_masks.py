"""What is taken out of a text, and what is not."""

from __future__ import annotations

import re
from time import process_time

from engine.language import masks
from engine.language.masks import MASK, masked, veiled
from engine.language.vietnamese import fold
from tests.test_firewall import ADDRESS, NAME, PHONE

HERS = masks.known([dict.fromkeys(masks.WAYS) | {"name": NAME, "address": ADDRESS, "phone": f"+84{PHONE[1:]}"}])


def test_what_is_taken_out_and_what_is_not():
    names = (fold(NAME), fold(ADDRESS))
    assert masked("nguoi bao trinh thi dac biet o 77 NGÕ KHÔNG CÓ", names) == f"nguoi bao {MASK} o {MASK}"
    assert masked("Trịnh.Thị.Đặc Biệt, Trịnh Thị", names) == f"{MASK}, Trịnh Thị"
    for number in ("0987650321", "0987 650 321", "(0987) 650-321", "+84987650321", "84 987 650 321", "02743 123 456",
                   "0084987650321", "079201001234", "079 201 001 234", "123456789", "an@x.vn", "+33 1 23 45 67 89"):
        assert masked(f"số {number}.") in (f"số {MASK}.", f"số ({MASK}."), number
    for said, left in (("ĐT.0912 345 678", "ĐT."), ("sđt0912345678", "sđt"), ("Zalo0912345678", "Zalo"),
                       ("tel.0274 3822825", "tel."), ("gọi 0912_345_678", "gọi "), ("CMND 281 234 567", "CMND "),
                       ("căn cước số 079 201 001 234", "căn cước số "), ("001 099 001 234", "")):  # fmt: skip
        assert masked(f"{said}, nhà") == f"{left}{MASK}, nhà", said
    for harmless in ("1022.BD.20210903.00042", "ngày 03/09/2021 lúc 10:00", "03.09.2021 10", "500.000.000 đồng",
                     "2021-09-03T08:00:00+07:00", "số 15 đường 3/2", "ubnd_74_718", "115", "20 người",
                     "giá 500 000 000", "d2f1c0912345678ab3", "1.050.500.000 đồng", "1.050.500.000.000 đồng",
                     "20.09.2021 10.30", "20.09.2021 - 21.09.2021", "21.0285, 105.8542", "10.0651 106.6512",
                     "ubnd_01_001_00001", "ubnd_84_842_29242", "1.035.500.000 2 suất", "bến 10.98012345",
                     "👩‍👩‍👧 Ｃｈợ ②", "500 m²"):
        assert masked(harmless, names) == harmless
    for odd, left in (("gọi Hoa0987650321", "gọi Hoa"), ("của ba0987650321", "của ba"),
                      ("nhà 12b0987650321", "nhà 12b"),
                      ("tổ 3.0987650321", "tổ 3."), ("tổ 3.0987 650 321", "tổ 3."), ("tổ 3.+84987650321", "tổ 3."),
                      ("tổ 3.84987650321", "tổ 3."), ("sdt_0987650321", "sdt_"), ("sdt_0987 650 321", "sdt_"),
                      ("gọi ０９８７６５０３２１", "gọi "), ("gọi 098\u200b765\u200b0321", "gọi "),
                      ("gọi 098\u00ad7650321", "gọi "),
                      ("gọi 0️⃣9️⃣8️⃣7️⃣6️⃣5️⃣0️⃣3️⃣2️⃣1️⃣", "gọi "), ("gọi ⓪⑨⑧⑦⑥⑤⓪③②①", "gọi "),
                      ("gọi ٠٩٨٧٦٥٠٣٢١", "gọi "),
                      ("gọi 0987−650−321", "gọi "), ("thư ａｎ＠ｘ．vn", "thư ")):  # fmt: skip
        assert masked(f"{odd}, nhà ５ ở hẻm\u200b 7") == f"{left}{MASK}, nhà ５ ở hẻm\u200b 7", odd
    said = {"a": [{"sdt": "x", "b": 987650321, "c": True, "d": 20}]}
    assert veiled(said, (), {"sdt"}) == {"a": [{"sdt": MASK, "b": MASK, "c": True, "d": 20}]}


def test_the_number_of_somebody_known_is_found_however_it_is_written():
    for written in ("987650321", "0987650321", "+84987650321", "84987650321", "0084 987650321", "+84 (0) 987 650 321",
                    "0.9.8.7.6.5.0.3.2.1", "0-98-76-50-321", "098) 765:03:21", "098…765…0321", "０９８７６５０３２１",
                    "9\u200b8\u200b7\u200b6\u200b5\u200b0\u200b3\u200b2\u200b1", "0 9 8 7 6 5 0 3 2 1"):  # fmt: skip
        assert masked(f"gọi {written} nhé", HERS) == f"gọi {MASK} nhé", written
    assert masked("tổ 20987650321x", HERS) == f"tổ 2{MASK}x"
    assert masked("Anh_Trịnh Thị Đặc Biệt", HERS) == f"Anh_{MASK}"
    assert masked("Ｔｒịnh\u200b Thị Đặc Biệt nói", HERS) == f"{MASK} nói"
    assert masked("giá 500 000 000 đồng, số 98765032", HERS) == "giá 500 000 000 đồng, số 98765032"
    nobody = dict.fromkeys((*masks.WAYS, "name", "address"))
    numbers = masks.known([nobody | {"phone": "+33123456789", "zalo": "12345"}])
    assert masked("+33 1 23 45 67 89 và 33.123456789, 123456", numbers) == f"{MASK} và {MASK}, 123456"


def test_an_answer_of_somebodys_own_is_found_as_a_text_says_it():
    long = " ".join(f"chữ{number}" for number in range(100))
    theirs = masks.said(["Nhà bốn tầng – sơn xanh", "0987 650 321", "12B", long])
    assert masked("ở NHÀ BỐN TẦNG - sơn  xanh.", theirs) == f"ở {MASK}."
    assert masked("nha bon tang son xanh", theirs) == MASK
    assert masked("lô 12B, +84987650321", theirs) == f"lô 12B, {MASK}"
    left = masked(f"nói: {long[:299]}…", theirs)
    assert len(re.findall(r"chữ\d", left)) < 4


def test_looking_takes_time_in_proportion_to_the_text():
    for piece in ("a0987650321", "a", "0 ", "0.", "1.", "+", "09876503", "cccd ", "x@", "a.b@c.", "trinh thi ", "０",
                  "\u200b", "0️⃣", "d2f1c0912345678ab3", "_0_", "84", " "):  # fmt: skip
        spent = []
        for many in (1_000, 8_000):
            text = (piece * many)[: many * 4] + "@"
            began = process_time()
            masked(text, HERS)
            spent.append(process_time() - began)
        assert spent[1] < 24 * spent[0] + 0.05, (piece, spent)
