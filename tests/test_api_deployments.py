"""Report types through the API: reading them, bringing a new version, and what is refused."""

from __future__ import annotations

import io
import tomllib

import pytest

from engine import packages
from tests.hotline import PROVINCE, package, refused


def other(**changes):
    return package(type__toml=package()["type.toml"].replace("Phản ánh hiện trường", "Phản ánh mới"), **changes)


def test_report_types_and_their_forms_can_be_read(hotline):
    caller = hotline.as_("app")
    (kind,) = caller.get("/report-types").json["items"]
    detail = caller.get("/report-types/PAKN").json

    assert (kind["code"], kind["province"], kind["version"]) == ("PAKN", "74", 1)
    assert caller.get("/report-types", province="75").json["items"] == []
    assert detail["forms"] == ["ket_qua", "phan_cong", "tiep_nhan_phan_anh"]
    assert {promise["name"]: promise["term"] for promise in detail["deadlines"]} == {"case": "PT5H", "xu_ly": "PT4H"}
    form = caller.get(f"/report-types/PAKN/forms/{kind['intake_form']}")
    assert [field["key"] for field in form.json["components"]] == ["noi_dung", "ghi_chu"]
    schema = caller.get(f"/report-types/PAKN/forms/{kind['intake_form']}/schema").json
    assert schema["required"] == ["noi_dung"]
    refused(caller.get("/report-types/PAKN/forms/khong_co"), 404, "not-found")


def test_a_new_version_starts_new_cases_and_leaves_running_ones(hotline):
    before = hotline.receives()
    answer = hotline.as_("phantich").post("/deployments", other())

    assert answer.status_code == 201, answer.text
    assert (answer.json["key"], answer.json["version"], answer.json["unchanged"]) == ("PAKN", 2, False)
    listed = hotline.as_("phantich").get("/deployments", key="PAKN").json["items"]
    assert [(one["version"], one["current"]) for one in listed] == [(2, True), (1, False)]
    assert hotline.as_("app").get("/report-types/PAKN").json["name"]["vi"] == "Phản ánh mới"
    secret = hotline.receipt["secret"]
    assert hotline.as_(None).get(f"/track/{before}", secret=secret).json["report_type"]["vi"] == "Phản ánh hiện trường"


def test_the_files_may_come_as_a_form_too(hotline):
    parts = [(io.BytesIO(text.encode()), name) for name, text in other().items()]
    answer = hotline.as_("phantich").call("POST", "/deployments", data={"files": parts})

    assert answer.status_code == 201, answer.text


def test_the_same_files_again_are_no_new_version(hotline):
    answer = hotline.as_("phantich").post("/deployments", package())

    assert (answer.status_code, answer.json["version"], answer.json["unchanged"]) == (201, 1, True)


def test_the_same_files_again_bring_no_old_settings_back(hotline):
    changed = PROVINCE.replace("UBND thành phố Thủ Dầu Một", "UBND phường Thủ Dầu Một")
    with hotline.runtime.begin() as unit:  # as another type's version does
        packages.load_province(unit, tomllib.loads(changed))
    hotline.as_("phantich").post("/deployments", package())

    names = {one["name"] for one in hotline.as_("phantich").get("/agencies").json["items"]}
    assert "UBND phường Thủ Dầu Một" in names and "UBND thành phố Thủ Dầu Một" not in names


def test_a_version_can_be_read_as_it_was_deployed(hotline):
    caller = hotline.as_("phuong")
    (one,) = caller.get("/deployments").json["items"]

    assert sorted(package()) == caller.get(f"/deployments/{one['id']}").json["files"]
    diagram = caller.get(f"/deployments/{one['id']}/xml")
    assert (diagram.text, diagram.mimetype) == (package()["process.bpmn"], "application/xml")
    assert caller.get(f"/deployments/{one['id']}/files/type.toml").text == package()["type.toml"]
    refused(caller.get(f"/deployments/{one['id']}/files/secret.txt"), 404, "not-found")


def test_every_fault_is_told_at_once_and_nothing_is_deployed(hotline):
    files = package(process__bpmn=package()["process.bpmn"].replace("tongdai_74", "khong_co"), ket_qua__form=None)
    answer = hotline.as_("phantich").post("/deployments", files)

    refused(answer, 422, "invalid-package")
    assert len(answer.json["faults"]) >= 2
    assert all(fault["message"] and fault["file"] for fault in answer.json["faults"])
    assert len(hotline.as_("phantich").get("/deployments").json["items"]) == 1


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><definitions>&b;</definitions>"""
XXE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><definitions>&a;</definitions>"""
SCRIPT = ("<bpmn:scriptTask id='x'><bpmn:script>__import__('os').system('id')</bpmn:script></bpmn:scriptTask>"
          "</bpmn:process>")  # fmt: skip


@pytest.mark.parametrize("files", [
    {}, {"type.toml": ""}, package(process__bpmn="<"), package(process__bpmn=BOMB), package(process__bpmn=XXE),
    package(process__bpmn=package()["process.bpmn"].replace("</bpmn:process>", SCRIPT)), package(province__toml=None),
    package(type__toml="code = "), package(province__toml="[["), package(ket_qua__form="[]"), {"../../x.bpmn": "<a/>"},
    {f"f{n}.form": "{}" for n in range(150)},
])  # fmt: skip
def test_hostile_packages_are_refused(hotline, files):
    answer = hotline.as_("phantich").post("/deployments", files)

    assert answer.status_code in (400, 422), answer.text
    assert "root:" not in answer.text
    assert len(hotline.as_("phantich").get("/deployments").json["items"]) == 1


@pytest.mark.parametrize("body", [[], [1], {"type.toml": 1}, "x", {"type.toml": {"a": "b"}}])
def test_what_is_no_set_of_files_is_refused(hotline, body):
    refused(hotline.as_("phantich").post("/deployments", body), 400, "bad-request")


def test_files_that_are_not_text_are_refused(hotline):
    data = {"files": [(io.BytesIO(b"\xff\xfe\x00"), "type.toml")]}
    refused(hotline.as_("phantich").call("POST", "/deployments", data=data), 400, "bad-request")


@pytest.mark.parametrize("login", ["truc", "phuong", "vanphong", "mattran", "app", "yte"])
def test_deploying_is_for_analysts(hotline, login):
    refused(hotline.as_(login).post("/deployments", other()), 403, "not-allowed")


def test_an_analyst_deploys_for_the_own_province_only(hotline):
    elsewhere = {name: text.replace('"74"', '"75"') for name, text in package().items()}
    answer = hotline.as_("phantich").post("/deployments", elsewhere)

    refused(answer, 403, "not-allowed")
    assert len(hotline.as_("phantich").get("/deployments").json["items"]) == 1


def test_agencies_can_be_read(hotline):
    districts = hotline.as_("app").get("/agencies", province="74", kind="district").json["items"]

    assert [one["key"] for one in districts] == ["ubnd_74_718", "ubnd_74_719"]
    assert "phone" not in districts[0]
