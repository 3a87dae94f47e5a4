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
    Screen("dang-nhap", "/dang-nhap"),
    Screen("tai-khoan", "/tai-khoan", "ubnd_74_718"),
    Screen("khong-co", "/khong-co-trang-nay"),
)


def stage(province: Province) -> dict[str, str]:
    """Some cases in different places, and the names that `SCREENS` uses for them."""
    fresh = province.receives("BDKK", luong_thuc="het_hom_nay", nguoi_yeu_the="co", area="718")
    working = province.passes_on("BDTT", area="718")
    return {"fresh": fresh, "working": working}
