"""What cases went through, element by element, and what leaves for process mining."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.hotline import refused

PERSONAL = ("Nguyễn Văn Bình", "0912345678", "Tụ tập", "phuong", "truc", "vanphong")
XES = "{http://www.xes-standard.org/}"


@pytest.fixture
def database_url(sqlite_url):
    """What is computed from rows is the same on both databases."""
    return sqlite_url


@pytest.fixture
def lived(hotline):
    """A case with a return, done in time; and one that is late."""
    first = hotline.assigned()
    hotline.waits(1)
    task = hotline.task("phuong", first)
    hotline.as_("phuong").post(f"/tasks/{task['id']}/return", {"reason": "không thuộc"})
    hotline.does("truc", first, lead_agency="ubnd_74_719")
    hotline.waits(2)
    hotline.does("binh", first, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    late = hotline.assigned()
    hotline.waits(4.5)
    from engine.work.worker import Worker

    worker = Worker(hotline.runtime, {})
    worker.work()
    worker.link()
    return hotline, first, late


def test_a_case_tells_where_it_was_and_how_long(lived):
    hotline, first, _ = lived
    items = hotline.as_("vanphong").get(f"/cases/{first}/elements").json["items"]
    told = [(one["element"], one["how"], round(one["seconds"] / 3600, 1), one["by"]) for one in items if one["token"]]

    assert told == [
        ("tiep_nhan", "completed", 0.0, "truc"), ("xu_ly", "cancelled", 1.0, "phuong"),
        ("tiep_nhan", "completed", 0.0, "truc"), ("xu_ly", "completed", 2.0, "binh"),
        ("phan_anh_lai", None, 4.5, None), ("danh_gia", None, 4.5, None), ("het_han", None, 4.5, None),
    ]  # fmt: skip
    assert [one["element"] for one in items if not one["token"]] == [
        "bat_dau", "da_nhan", "tra_lai", "bao_ket_qua", "cho"]  # fmt: skip


def test_a_version_tells_where_cases_stand_and_are_late(lived):
    hotline, *_ = lived
    items = {one["element"]: one for one in hotline.as_("phantich").get("/deployments/1/heat").json["items"]}

    step = items["xu_ly"]
    assert (step["now"], step["visits"], step["cancelled"], step["breaches"]) == (1, 2, 1, 1)
    assert (step["mean_seconds"], step["longest_seconds"]) == (1.5 * 3600, 2 * 3600)
    refused(hotline.as_("phuong").get("/deployments/1/heat"), 403, "not-allowed")


def test_what_leaves_for_process_mining_is_whole_and_names_nobody(lived):
    hotline, first, late = lived
    xes = hotline.as_("phantich").get("/exports/xes", report_type="PAKN")
    log = etree.fromstring(xes.data)
    traces = {trace.find(f"{XES}string[@key='concept:name']").get("value"): trace for trace in log.iter(f"{XES}trace")}
    ocel = hotline.as_("phantich").get("/exports/ocel", report_type="PAKN").json

    assert set(traces) == {first, late}
    steps = [event.find(f"{XES}string[@key='thongsuot:element']").get("value") for event in
             traces[late].iter(f"{XES}event")]  # fmt: skip
    assert steps == ["bat_dau", "da_nhan", "tiep_nhan", "tiep_nhan", "xu_ly"]
    objects = {one["id"]: one["type"] for one in ocel["objects"]}
    assert len(objects) == len(ocel["objects"]) and {first, late, "ubnd_74_719"} <= objects.keys()
    kinds = {one["name"] for one in ocel["eventTypes"]}
    assert {one["type"] for one in ocel["events"]} <= kinds
    assert {link["objectId"] for one in ocel["events"] for link in one["relationships"]} <= objects.keys()
    for word in PERSONAL:
        assert word not in xes.text and word not in str(ocel)
    refused(hotline.as_("phuong").get("/exports/xes", report_type="PAKN"), 403, "not-allowed")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")  # pm4py's own
def test_pm4py_reads_what_leaves(lived, tmp_path):
    """Half a gigabyte and under the AGPL, so not among our dependencies: docs/migrating.md says how it is run."""
    pm4py = pytest.importorskip("pm4py")
    hotline, first, late = lived
    for kind in ("xes", "ocel"):
        (tmp_path / kind).write_bytes(hotline.as_("phantich").get(f"/exports/{kind}", report_type="PAKN").data)
    log = pm4py.read_xes(str(tmp_path / "xes"))
    ocel = pm4py.read_ocel2_json(str(tmp_path / "ocel"))
    assert set(log["case:concept:name"]) == {first, late}
    assert {first, late, "ubnd_74_719"} <= set(ocel.objects["ocel:oid"])
    assert len(ocel.events) == len(log) and pm4py.discover_dfg(log)[0]
