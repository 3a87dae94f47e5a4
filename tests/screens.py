"""Every page that is looked at: by axe and at two sizes in the tests, and as pictures by ``./manage screenshots``.

A page's maker adds a line. ``who`` logs in (``None``: a citizen); ``path`` may name what `stage` made: "/viec/{task}".
"""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import NamedTuple

from sqlalchemy import select

from engine import absences, tasks
from engine.errors import ProcessFault
from engine.files import folders
from engine.model import cases, definitions
from engine.people import accounts
from engine.queues import incidents
from engine.sheets import imports
from engine.versions import migrations
from tests.people import cohort
from tests.province import Province
from tests.sources import ROOT


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
    Screen("doi-mat-khau", "/tai-khoan/mat-khau", "ubnd_74_718"),
    Screen("vang-mat", "/vang-mat", "ubnd_74_718"),
    Screen("vang-mat-nguoi-khac", "/vang-mat?co_quan=ubnd_74_718", "admin"),
    Screen("viec", "/viec", "ubnd_74_718"),
    Screen("viec-lam-thay", "/viec?xem=thay", "ubnd_74_718"),
    Screen("viec-giu-bo-loc", "/viec?loai=BDKK&khu=718", "ubnd_74_718"),
    Screen("viec-tep-cho-mo", "/viec/tep-cho-mo", "tongdai_74.1"),
    Screen("viec-en", "/viec?xem=chua-nhan&lang=en", "ubnd_74_718"),
    Screen("mot-viec", "/viec/{task}?lang=vi", "ubnd_74_718"),
    Screen("mot-viec-dang-lam", "/viec/{taken}", "ubnd_74_718"),
    Screen("vu-viec-danh-sach", "/vu-viec", "ubnd_74_718"),
    Screen("vu-viec", "/vu-viec/{working}", "tongdai_74"),
    Screen("vu-viec-en", "/vu-viec/{working}?lang=en", "tongdai_74"),
    Screen("tiep-nhan", "/tiep-nhan?lang=vi", "tongdai_74"),
    Screen("tiep-nhan-dang-ghi", "/tiep-nhan?phone=0912345678&loai=BDKK&noi=Thu+Dau+Mot", "tongdai_74"),
    Screen("dieu-hanh", "/tinh", "vpubnd_74"),
    Screen("dieu-hanh-en", "/tinh?lang=en", "vpubnd_74"),
    Screen("dieu-hanh-vu-viec", "/tinh/vu-viec/open?lang=vi", "vpubnd_74"),
    Screen("dieu-hanh-nguoi-bao", "/tinh/nguoi-bao?lang=vi", "vpubnd_74"),
    Screen("vu-viec-xin-biet", "/vu-viec/{working}?lang=vi", "vpubnd_74"),
    Screen("vuong-mac", "/tinh/ket?lang=vi", "vpubnd_74"),
    Screen("su-co", "/tinh/su-co", "vpubnd_74"),
    Screen("su-co-mot-nguyen-nhan", "/tinh/su-co/{incident}", "vpubnd_74"),
    Screen("hang-doi", "/tinh/hang-doi", "vpubnd_74"),
    Screen("hang-doi-tin", "/tinh/hang-doi?xem=tin", "vpubnd_74"),
    Screen("giam-sat", "/giam-sat", "hdnd_74"),
    Screen("giam-sat-vu-viec", "/giam-sat/vu-viec/open", "hdnd_74"),
    Screen("giam-sat-mot-vu", "/giam-sat/{fresh}", "hdnd_74"),
    Screen("bao-cao", "/tinh/bao-cao?ky=2021-09&lang=vi", "vpubnd_74"),
    Screen("cong-bo", "/tinh/cong-bo?lang=vi", "vpubnd_74"),
    Screen("cong-bo-mot-vu", "/tinh/cong-bo/{told}", "vpubnd_74"),
    Screen("ban-do-nhiet", "/tinh/so-do/BDKK", "vpubnd_74"),
    Screen("nhap-danh-sach", "/nhap-danh-sach", "vpubnd_01"),
    Screen("danh-sach-xem-thu", "/nhap-danh-sach/{looked}", "vpubnd_01"),
    Screen("danh-sach-nhan-duoc", "/nhap-danh-sach/{looked}?xem=nhan&lang=en", "vpubnd_01"),
    Screen("danh-sach-dang-lam", "/nhap-danh-sach/{started}?lang=vi", "vpubnd_01"),
    Screen("quan-tri", "/quan-tri", "admin"),
    Screen("quan-tri-nguoi", "/quan-tri/nguoi/le.thi.lan", "admin"),
    Screen("quan-tri-nguoi-moi", "/quan-tri/nguoi-moi", "admin"),
    Screen("quan-tri-co-quan", "/quan-tri/co-quan?tinh=74", "admin"),
    Screen("quan-tri-mot-co-quan", "/quan-tri/co-quan/ubnd_74_718", "admin"),
    Screen("quan-tri-co-quan-moi", "/quan-tri/co-quan-moi?tinh=74&lang=en", "admin"),
    Screen("quan-tri-lich", "/quan-tri/lich?tinh=74&lang=vi", "admin"),
    Screen("quan-tri-mau-tin", "/quan-tri/mau-tin?tinh=74", "admin"),
    Screen("quan-tri-nhat-ky", "/quan-tri/nhat-ky", "admin"),
    Screen("quy-trinh", "/quy-trinh?lang=vi", "vpubnd_74.phantich"),
    Screen("quy-trinh-moi", "/quy-trinh/moi?theo=BDKK", "vpubnd_74.phantich"),
    Screen("quy-trinh-phien-ban", "/quy-trinh/BDTT", "vpubnd_74.phantich"),
    Screen("quy-trinh-ban-nhap", "/quy-trinh/BDGN/nhap", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-so-do", "/quy-trinh/BDGN/nhap/process.bpmn", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-bang", "/quy-trinh/BDKK/nhap/muc_do.dmn", "vpubnd_74.phantich"),
    Screen("quy-trinh-sua-bieu-mau", "/quy-trinh/BDGN/nhap/goi_lai.form?lang=en", "vpubnd_74.phantich"),
    Screen("quy-trinh-chay-thu", "/quy-trinh/BDGN/chay-thu?lang=vi", "vpubnd_74.phantich"),
    Screen("quy-trinh-chay-thu-tat-ca", "/quy-trinh/BDGN/chay-thu/tat-ca?dung=1&lang=vi", "vpubnd_74.phantich"),
    Screen("quy-trinh-so-sanh", "/quy-trinh/BDGN/so-sanh?moi=2&cu=1&lang=vi", "vpubnd_74.phantich"),
    Screen("quy-trinh-so-sanh-en", "/quy-trinh/BDGN/so-sanh?moi=1&cu=2&lang=en", "vpubnd_74.phantich"),
    Screen("quy-trinh-chuyen-vu-viec", "/quy-trinh/BDTT/chuyen/{moving}?lang=vi", "vpubnd_74.phantich"),
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
    looked, started = _lists(province)
    numbers = {"looked": looked, "started": started}
    numbers |= {"fresh": fresh, "working": working, "asked": asked, "told": told}
    numbers["task"] = str(province.task(working, "don_vi_nhan", "ubnd_74_718")["id"])
    numbers["taken"] = _takes(province, "ubnd_74_718")
    numbers["incident"] = _held_up(province, working)
    province.as_("ubnd_74_718").post(f"/cases/{working}/reporter/ask", {"reason": "Phải gặp để lấy lời khai"})
    _is_away(province, numbers["task"])
    _another_version(province)
    numbers["moving"] = _moves(province)
    secrets = ("fresh", "working", "asked")
    return numbers | {f"{name}_secret": province.secrets[numbers[name]] for name in secrets}


def _another_version(province: Province) -> None:
    """Of the missed calls: one step for another, and more time."""
    files = folders.read(ROOT / "bpmn/binh_duong/BDGN")
    drawn = files["process.bpmn"].replace("bao_khong_gap", "bao_lan_cuoi").replace("chưa gặp", "thôi gọi")
    files |= {"process.bpmn": drawn, "type.toml": files["type.toml"].replace('"PT30M"', '"PT45M"')}
    assert province.as_("vpubnd_74.phantich").post("/deployments", files).status_code == 201


def _moves(province: Province) -> str:
    """Running cases on their way to a version with more time, of which one is tried first: the id of their journey."""
    files = folders.read(ROOT / "bpmn/binh_duong/BDTT")
    files |= {"type.toml": files["type.toml"].replace('"PT10M"', '"PT15M"')}
    analyst = province.as_("vpubnd_74.phantich")
    made = analyst.post("/deployments", files).json["id"]
    with province.runtime.read() as unit:
        earlier = unit.scalar(select(definitions.c.id).where(definitions.c.key == "BDTT", definitions.c.id != made))
    plan = {"source_id": earlier, "target_id": made, "reason": "Thêm thời gian phân loại", "canary": 1}
    moving = str(analyst.post("/migrations", plan).json["id"])
    migrations.step(province.runtime)
    return moving


def _lists(province: Province) -> list[str]:
    """A list that is being taken up, and one of which three people are called already: their ids."""
    others = [f"Trần Văn {name},08{number:08d},Quận Ba Đình,61," for number, name in enumerate(("Hai", "Ba"))]
    faulty = ("Đỗ Thị Sáu,0900000001,Quận Ba Đình,61,", "Lê Thị Bảy,12,001,40,", "Phạm Văn Tám,0911111111,Ba Đinhh,,")
    started = _sends(province, "f0.csv", cohort(40), "false")
    for _row in range(17):
        imports.step(province.runtime)
    return [_sends(province, "f0_ba_dinh.csv", cohort(3, *others, *faulty), "true"), started]


def _sends(province: Province, name: str, content: bytes, dry_run: str) -> str:
    form = {"file": (BytesIO(content), name), "report_type": "F0CD", "dry_run": dry_run}
    sent = province.as_("vpubnd_01").call("POST", "/imports", data=form, content_type="multipart/form-data")
    return str(sent.json["id"])


def _takes(province: Province, who: str) -> str:
    """The task of checking a report, which this handler has taken on: its id."""
    number = province.passes_on("BDKK", area="718")
    province.does(who, number, "don_vi_nhan")
    task = str(province.task(number, "xac_minh", who)["id"])
    assert province.as_(who).post(f"/tasks/{task}/claim").status_code == 200
    return task


def _is_away(province: Province, task: str) -> None:
    """A colleague who holds this task is away, and the agency's first person stands in."""
    with province.runtime.begin() as unit:
        first = accounts.authenticate(unit, province.shipped.tokens["ubnd_74_718"])
        row = {"login": "le.thi.lan", "name": "Lê Thị Lan", "role": "handler", "agency": first.agency}
        accounts.create(unit, row, None)
        lan = accounts.account(unit, "le.thi.lan")
        tasks.claim(unit, int(task), by=lan)
        today = unit.today
        absences.note(unit, lan.login, first.login, today, today + timedelta(days=6), by=lan)


def _held_up(province: Province, number: str) -> str:
    """An incident of this case; its id."""
    fault = ProcessFault("Decision 'Định tuyến': No row fits. The inputs were: linh_vuc = 'khac'.", "xac_minh")
    province.incidents = [fault.message]
    with province.runtime.begin() as unit:
        case = unit.first(select(cases.c.id).where(cases.c.number == number))
        return str(incidents.open(unit, case.id, fault, {"kind": "Deliver", "message": "x", "payload": {"so": 1}}))
