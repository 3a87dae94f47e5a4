"""A report type that is being changed: nothing is overwritten unseen, and nothing changes before it is deployed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from engine import packages
from engine.errors import InvalidPackage, InvalidRequest, NotAllowed, NotFound, Stale
from engine.model import activations
from engine.people import accounts
from engine.versions import drafts
from tests.hotline import PROVINCE, TYPE, Hotline, package

RENAMED = package()["process.bpmn"].replace('name="Xử lý"', 'name="Giải quyết"')


def as_(unit, login="phantich"):
    return accounts.account(unit, login)


def saves(hotline: Hotline, name="process.bpmn", text=RENAMED, login="phantich", etag=None):
    with hotline.runtime.begin() as unit:
        seen = drafts.show(unit, "PAKN", by=as_(unit, login)).etag(name) if etag is None else etag
        return drafts.save(unit, "PAKN", name, text, seen, by=as_(unit, login))


def deploys(hotline: Hotline, draft, login="phantich"):
    hotline.clock.now += timedelta(minutes=1)
    with hotline.runtime.begin() as unit:
        return drafts.deploy(unit, "PAKN", draft.etag(), str(draft.newest), by=as_(unit, login))


def seen(hotline: Hotline, login="phantich"):
    with hotline.runtime.read() as unit:
        return drafts.show(unit, "PAKN", by=as_(unit, login))


def test_a_draft_becomes_a_version_and_is_none_any_more(hotline: Hotline):
    before = seen(hotline)
    assert (before.changes, before.changed_by) == ([], None)

    draft = saves(hotline)
    assert (draft.changes, draft.changed_by, draft.newest) == (["process.bpmn"], "phantich", before.newest)
    assert hotline.as_("phantich").get("/deployments").json["items"][0]["version"] == 1
    made = deploys(hotline, draft)

    assert (made.version, made.unchanged, made.parked) == (2, False, False)
    assert (seen(hotline).changes, seen(hotline).changed_at, seen(hotline).newest) == ([], None, made.id)
    assert seen(hotline).files["process.bpmn"] == RENAMED


def test_what_another_has_saved_is_not_overwritten_unseen(hotline: Hotline):
    mine = seen(hotline)
    hers = saves(hotline, login="quantri")

    with pytest.raises(Stale) as refused:
        saves(hotline, text=RENAMED.replace("Giải quyết", "Làm"), etag=mine.etag("process.bpmn"))
    assert refused.value.facts["by"] == "quantri"
    saves(hotline, "type.toml", TYPE.format(secrecy="C1"), etag=mine.etag("type.toml"))  # another file: nothing is lost
    assert seen(hotline).changes == ["process.bpmn", "type.toml"]
    for change in (drafts.drop, lambda unit, key, etag, by: drafts.deploy(unit, key, etag, str(hers.newest), by=by)):
        with hotline.runtime.begin() as unit, pytest.raises(Stale):
            change(unit, "PAKN", hers.etag(), by=as_(unit))

    hotline.deploys(type__toml=TYPE.format(secrecy="C3"))
    with pytest.raises(Stale, match="newer version"), hotline.runtime.begin() as unit:
        draft = drafts.show(unit, "PAKN", by=as_(unit))
        drafts.deploy(unit, "PAKN", draft.etag(), str(hers.newest), by=as_(unit))
    assert seen(hotline).based_on == hers.newest != seen(hotline).newest


def test_what_the_gate_refuses_stays_a_draft(hotline: Hotline):
    draft = saves(hotline, text=RENAMED.replace('camunda:formKey="ket_qua"', 'camunda:formKey="khong_co"'))

    with hotline.runtime.read() as unit:
        assert {fault.code for fault in drafts.judged(unit, draft)} >= {"form-missing"}
    with pytest.raises(InvalidPackage):
        deploys(hotline, draft)
    assert seen(hotline).changed_by == "phantich"

    saves(hotline)
    other = saves(hotline, "type.toml", TYPE.format(secrecy="C1").replace('"PAKN"', '"KHAC"', 1))
    with pytest.raises(InvalidRequest, match="code = 'KHAC'"):
        deploys(hotline, other)


def test_files_come_and_go_but_not_those_that_others_share(hotline: Hotline):
    with_form = saves(hotline, "them.form", '{"components": [], "type": "default", "id": "them"}', etag="")
    assert "them.form" in with_form.changes
    assert "them.form" not in saves(hotline, "them.form", None).files

    for name, text in (("province.toml", PROVINCE), ("../x.form", ""), ("x.exe", ""), ("X.form", ""),
                       ("type.toml", None), ("khong.form", None), ("process.bpmn", "a\0b")):  # fmt: skip
        with pytest.raises(InvalidRequest):
            saves(hotline, name, text)
    with pytest.raises(Stale):
        saves(hotline, "process.bpmn", RENAMED, etag="")
    with pytest.raises(NotAllowed):
        saves(hotline, login="vanphong")
    with hotline.runtime.read() as unit, pytest.raises(NotFound):
        drafts.show(unit, "KHAC", by=as_(unit))


def test_a_draft_never_brings_back_settings_that_the_province_has_changed(hotline: Hotline):
    draft = saves(hotline)
    changed = PROVINCE.replace("Huyện Bàu Bàng", "Bàu Bàng mới")
    other = package(type__toml=TYPE.format(secrecy="C2").replace('"PAKN"', '"KHAC"', 1), province__toml=changed)
    answer = hotline.as_("phantich").post("/deployments", other)
    assert answer.status_code == 201, answer.text
    with hotline.runtime.begin() as unit:  # as after going back from it: no type in force has it
        unit.execute(delete(activations).where(activations.c.key == "KHAC"))

    draft = seen(hotline)
    assert (draft.files["province.toml"], draft.changes) == (changed, ["process.bpmn"])
    deploys(hotline, draft)

    with hotline.runtime.read() as unit:
        assert packages.settings(unit, "74") == packages.Package(package(province__toml=changed)).province


def test_a_draft_that_changes_nothing_makes_no_version(hotline: Hotline):
    draft = saves(hotline)
    draft = saves(hotline, text=package()["process.bpmn"])

    assert draft.changes == []
    assert deploys(hotline, draft).unchanged
    assert [one["version"] for one in hotline.as_("phantich").get("/deployments").json["items"]] == [1]
