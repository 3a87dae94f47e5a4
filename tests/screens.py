"""Every page that is looked at: by axe and at two sizes in the tests, and as pictures by ``./manage screenshots``.

A page's maker adds a line. ``who`` logs in (``None``: a citizen); ``path`` may name what `stage` made: "/viec/{task}".
"""

from __future__ import annotations

from typing import NamedTuple

from tests.province import Province


class Screen(NamedTuple):
    name: str
    path: str
    who: str | None = None


SCREENS = (
    Screen("trang-dau", "/"),
    Screen("chon-viec", "/gui/bd"),
    Screen("gui-phan-anh", "/gui/bd/BDKK"),
    Screen("gui-phan-anh-en", "/gui/hn/NYP?lang=en"),
    Screen("tra-cuu", "/tra-cuu?lang=vi"),
    Screen("phan-anh-moi", "/tra-cuu/{fresh}?ma={fresh_secret}"),
    Screen("phan-anh-dang-lam", "/tra-cuu/{working}?ma={working_secret}"),
    Screen("phan-anh-cho-bo-sung", "/tra-cuu/{asked}?ma={asked_secret}"),
    Screen("dang-nhap", "/dang-nhap"),
    Screen("tai-khoan", "/tai-khoan", "ubnd_74_718"),
    Screen("viec", "/viec", "ubnd_74_718"),
    Screen("viec-en", "/viec?xem=chua-nhan&lang=en", "ubnd_74_718"),
    Screen("mot-viec", "/viec/{task}?lang=vi", "ubnd_74_718"),
    Screen("vu-viec-danh-sach", "/vu-viec", "ubnd_74_718"),
    Screen("vu-viec", "/vu-viec/{working}", "tongdai_74"),
    Screen("vu-viec-en", "/vu-viec/{working}?lang=en", "tongdai_74"),
    Screen("tiep-nhan", "/tiep-nhan?lang=vi", "tongdai_74"),
    Screen("tiep-nhan-dang-ghi", "/tiep-nhan?phone=0912345678&loai=BDKK&noi=Thu+Dau+Mot", "tongdai_74"),
    Screen("dieu-hanh", "/tinh", "vpubnd_74"),
    Screen("dieu-hanh-en", "/tinh?lang=en", "vpubnd_74"),
    Screen("dieu-hanh-vu-viec", "/tinh/vu-viec/open?lang=vi", "vpubnd_74"),
    Screen("vuong-mac", "/tinh/ket?lang=vi", "vpubnd_74"),
    Screen("bao-cao", "/tinh/bao-cao?ky=2021-09&lang=vi", "vpubnd_74"),
    Screen("cong-bo", "/tinh/cong-bo?lang=vi", "vpubnd_74"),
    Screen("cong-bo-mot-vu", "/tinh/cong-bo/{told}", "vpubnd_74"),
    Screen("ban-do-nhiet", "/tinh/so-do/BDKK", "vpubnd_74"),
    Screen("quy-trinh", "/quy-trinh?lang=vi", "vpubnd_74.phantich"),
    Screen("quy-trinh-phien-ban", "/quy-trinh/BDTT", "vpubnd_74.phantich"),
    Screen("quy-trinh-ban-nhap", "/quy-trinh/BDGN/nhap", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-so-do", "/quy-trinh/BDGN/nhap/process.bpmn", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-bang", "/quy-trinh/BDKK/nhap/muc_do.dmn", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-bieu-mau", "/quy-trinh/BDGN/nhap/goi_lai.form?lang=en", "vpubnd_74.phantich"),
    Screen("quy-trinh-chay-thu", "/quy-trinh/BDGN/chay-thu?lang=vi", "vpubnd_74.phantich"),
    Screen("khong-co", "/khong-co-trang-nay"),
)


def stage(province: Province) -> dict[str, str]:
    """Some cases in different places, and the names that `SCREENS` uses for them."""
    fresh = province.receives("BDKK", luong_thuc="het_hom_nay", nguoi_yeu_the="co", area="718")
    working = province.passes_on("BDTT", area="718")
    asked = province.receives("BDKK", area="718")
    province.does("tongdai_74", asked, "phan_loai", quyet_dinh="bo_sung", muc_bo_sung="số nhà")
    told = province.receives("BDGY")
    province.lives(told, """
        tongdai_74 phan_loai  quyet_dinh=chuyen_xu_ly linh_vuc=giao_thong -> dang_nghien_cuu
        sogtvt_74  nghien_cuu ket_qua=luu_theo_doi                        -> luu_theo_doi
    """)
    numbers = {"fresh": fresh, "working": working, "asked": asked, "told": told}
    numbers["task"] = str(province.task(working, "don_vi_nhan", "ubnd_74_718")["id"])
    secrets = ("fresh", "working", "asked")
    return numbers | {f"{name}_secret": province.secrets[numbers[name]] for name in secrets}
