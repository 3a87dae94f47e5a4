"""Where a diagram asks for approval, the citizen is told of a result after it, and not before."""

from __future__ import annotations

from tests.province import CITIZEN, Province


def test_the_citizen_is_told_after_the_approval_and_not_before(province: Province) -> None:
    number = province.passes_on("BDTT", area="718")
    province.lives(number, """
        ubnd_74_718 don_vi_nhan                              -> dang_xac_minh
        ubnd_74_718 xac_minh    ket_qua=dung                 -> dang_xu_ly
        ubnd_74_718 xu_ly       ket_qua=da_giai_quyet        -> cho_duyet
    """)  # fmt: skip
    so_far = province.told(CITIZEN)
    duty = province.task(number, "duyet", "ubnd_74_718")["id"]
    path, handler = f"/tasks/{duty}/complete", province.as_("ubnd_74_718")
    # who sends it back has to say why
    assert handler.post(path, {"answers": {"duyet": "lam_lai"}}).status_code == 422

    province.does("ubnd_74_718", number, "duyet", duyet="lam_lai", y_kien_duyet="Chưa đủ, phải lập biên bản")

    assert province.told(CITIZEN) == so_far
    province.lives(number, "ubnd_74_718 xu_ly ket_qua=da_giai_quyet -> cho_duyet")
    assert province.told(CITIZEN) == so_far

    province.does("ubnd_74_718", number, "duyet", duyet="dat")

    [result] = province.told(CITIZEN)[len(so_far):]
    assert number in result.text
