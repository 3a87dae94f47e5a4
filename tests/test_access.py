"""Who may do what: the whole table of rules, looked at one by one and as a list."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import insert, select

from engine import model
from engine.errors import NotAllowed, NotFound
from engine.people import access
from engine.people.access import ALL, ROLES, Account, Target

AREAS = {"74": ["718", "719"], "75": ["731"]}
AGENCIES = {
    "tongdai_74": "desk", "vp_74": "office", "so_yt_74": "department", "ubnd_74_718": "district",
    "ubnd_74_719": "district", "mttq_74": "overseer",
}  # fmt: skip
OURS, THEIRS = "ubnd_74_718", "ubnd_74_719"
RELATIONS = ("lead", "monitor", "task", "handed", "above", "stranger", "opened", "elsewhere")


def someone(role: str, **more) -> Account:
    more.setdefault("agency", OURS)
    return Account(7, "anna", "Anna", role, province=more.pop("province", "74"), **more)


@pytest.fixture
def cases(runtime):
    """One case of each relation to our agency and each secrecy class, by (relation, class)."""
    with runtime.begin() as unit:
        _make_world(unit)
        return {pair: _make_case(unit, *pair) for pair in product(RELATIONS, ALL)}


def _make_world(unit) -> None:
    provinces = [{"code": code, "name": code, "short": code, "settings": {}} for code in AREAS]
    unit.execute(insert(model.provinces), provinces)
    areas = [{"code": area, "province": province, "name": area} for province in AREAS for area in AREAS[province]]
    unit.execute(insert(model.areas), areas)
    agencies = [{"key": key, "province": "74", "name": key, "kind": kind} for key, kind in AGENCIES.items()]
    unit.execute(insert(model.agencies), agencies)
    unit.execute(insert(model.definitions), {
        "id": 1, "key": "BDTT", "version": 1, "checksum": "", "files": b"", "warnings": [], "created_at": unit.now,
        "created_by": "test",
    })  # fmt: skip


def _make_case(unit, relation: str, secrecy: str, **more) -> int:
    agencies = {"lead": (OURS, THEIRS), "monitor": (THEIRS, OURS)}.get(relation, (THEIRS, None))
    row = {
        "number": f"{relation}-{secrecy}", "definition_id": 1, "report_type": "BDTT", "area": "718", "channel": "web",
        "province": "75" if relation == "elsewhere" else "74", "secrecy": secrecy, "report": {}, "status": "moi",
        "lead_agency": agencies[0], "monitor_agency": agencies[1], "opened_at": unit.now, "secret_hash": "",
        "opened_by": "anna" if relation == "opened" else "zalo",
    } | more  # fmt: skip
    case_id = unit.scalar(insert(model.cases).returning(model.cases.c.id), row)
    concerned = {agency: "task" for agency in agencies if agency}
    concerned |= {OURS: relation} if relation in ("task", "handed") else {}
    for agency, part in concerned.items():
        unit.execute(insert(model.participants), {"agency": agency, "case_id": case_id, "part": part})
    group = OURS if relation in ("task", "handed") else THEIRS
    unit.execute(insert(model.tasks), {
        "case_id": case_id, "token": 1, "element": "xac_minh", "name": "Xác minh", "group": group, "status": "open",
        "handed_by": {"handed": THEIRS, "above": OURS}.get(relation),
        "report_type": row["report_type"], "area": row["area"], "created_at": unit.now,
    })  # fmt: skip
    return case_id


# -- a list shows what a single look would not refuse, and nothing else ----------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "citizen"])
def test_a_list_and_a_single_look_agree_for_every_action_and_relation(runtime, cases, role):
    account = access.citizen("opened-C2") if role == "citizen" else someone(role)
    with runtime.read() as unit:
        for action in sorted(access.ACTIONS):
            listed = set(unit.execute(select(model.cases.c.id).where(access.permits(account, action))).scalars())
            looked = {row.id for row in unit.all(select(model.cases)) if access.allows(account, action, row, unit)}

            assert listed == looked, f"{role} {action}"


@pytest.mark.parametrize("role", ROLES)
def test_a_list_of_tasks_and_a_single_look_agree(runtime, cases, role):
    account = someone(role)
    with runtime.read() as unit:
        for action in ("see-task", "work", "delegate", "take-back"):
            query = select(model.tasks.c.id).join(model.cases).where(access.permits(account, action, access.TASKS))
            listed = set(unit.execute(query).scalars())
            rows = unit.all(select(*model.tasks.c, model.cases.c.secrecy).join(model.cases))
            looked = {row.id for row in rows if access.allows(account, action, row, unit)}

            assert listed == looked, f"{role} {action}"


@pytest.mark.parametrize("limits", [{"report_types": ("BDKB",)}, {"areas": ("719",)}, {"areas": ()}])
def test_limits_narrow_lists_and_single_looks_alike(runtime, cases, limits):
    account = someone("handler", **limits)
    with runtime.begin() as unit:
        _make_case(unit, "lead", "C1", number="other-type", report_type="BDKB")
        _make_case(unit, "lead", "C1", number="other-area", area="719")
        _make_case(unit, "lead", "C1", number="no-area", area=None)
        listed = set(unit.execute(select(model.cases.c.number).where(access.visible(account))).scalars())
        looked = {row.number for row in unit.all(select(model.cases)) if access.allows(account, "see", row, unit)}

    expected = {("BDKB",): {"other-type"}, ("719",): {"other-area", "no-area"}, (): {"no-area"}}
    assert listed == looked == expected[next(iter(limits.values()))]


# -- the rules, in words -----------------------------------------------------------------------------------------------


def seen(unit, account: Account, action: str = "see") -> set[str]:
    return set(unit.execute(select(model.cases.c.number).where(access.permits(account, action))).scalars())


def of(relations: str, classes: str = "C0 C1 C2 C3 C4") -> set[str]:
    return {f"{relation}-{secrecy}" for relation in relations.split() for secrecy in classes.split()}


HERE = "lead monitor task handed above stranger opened"
OPEN = "C0 C1 C2 C3"


@pytest.mark.parametrize(("role", "visible"), [
    ("operator", of(HERE, OPEN)),
    ("handler", of("lead monitor task handed", OPEN)),
    ("monitor", of("lead monitor task handed", OPEN)),
    ("office", of(HERE, OPEN)),
    ("overseer", of(HERE, OPEN)),
    ("analyst", of(HERE, OPEN)),
    ("admin", of(HERE) | of("elsewhere")),
    ("client", of("opened")),
])  # fmt: skip
def test_which_cases_exist_for_a_role(runtime, cases, role, visible):
    with runtime.read() as unit:
        assert seen(unit, someone(role)) == visible


@pytest.mark.parametrize(("role", "visible", "known"), [
    ("operator", of("lead monitor task handed", "C4"), set()),
    ("handler", of("lead", "C4"), of("lead", "C4")),
    ("monitor", set(), set()),
    ("office", of(HERE, "C4"), of(HERE, "C4")),
])  # fmt: skip
def test_a_denunciation_is_for_those_whose_accounts_name_its_type(runtime, cases, role, visible, known):
    named, other = someone(role, report_types=("BDTT",)), someone(role, report_types=("BDKB",))
    secret = of(HERE, "C4")

    with runtime.read() as unit:
        assert (seen(unit, named) & secret, seen(unit, named, "person") & secret) == (visible, known)
        assert seen(unit, other) == set()
        for account in (named, other, someone(role)):
            rows = unit.all(select(model.cases).where(model.cases.c.secrecy == "C4"))
            looked = {row.number for row in rows if access.allows(account, "see", row, unit)}
            assert looked == seen(unit, account) & secret


def test_a_handler_never_sees_a_case_of_another_agency(runtime, cases):
    with runtime.read() as unit:
        for number in of("stranger opened elsewhere"):
            with pytest.raises(NotFound, match=f"There is no case {number}, or it does not concern you"):
                access.find(unit, someone("handler"), "see", number)


@pytest.mark.parametrize(("role", "known"), [
    ("operator", of(HERE, OPEN)),
    ("office", of(HERE, OPEN)),
    ("handler", of("lead monitor task handed", "C0 C1") | of("lead handed", "C3")),
    ("monitor", of("lead monitor task handed", "C0 C1")),
    ("overseer", set()),
    ("analyst", set()),
    ("admin", set()),
    ("client", set()),
])  # fmt: skip
def test_who_learns_who_reported_depends_on_the_secrecy_class(runtime, cases, role, known):
    with runtime.read() as unit:
        assert seen(unit, someone(role), "person") == known


def test_who_keeps_watch_sees_progress_but_not_what_was_reported(runtime, cases):
    with runtime.read() as unit:
        for role in ("overseer", "analyst", "admin"):
            assert seen(unit, someone(role), "read") == set()


@pytest.mark.parametrize(("action", "roles"), [
    ("extend", {"handler", "office"}),
    ("pause", {"operator", "handler", "office"}),
    ("reassign", {"operator", "office"}),
    ("take-back", {"handler", "office"}),
    ("merge", {"operator", "office"}),
    ("deploy", {"analyst", "admin"}),
    ("manage", {"admin"}),
    ("retry", {"office", "analyst", "admin"}),
    ("repair", {"analyst", "admin"}),
    ("resend", {"office", "admin"}),
    ("report", {"operator", "handler", "office", "client"}),
    ("message", {"operator", "office", "admin", "client"}),
    ("tell", {"operator", "handler", "office", "admin", "client"}),
    ("signal", {"office", "admin"}),
])  # fmt: skip
def test_which_roles_may_do_it_at_all(action, roles):
    assert {role for role in ROLES if access.allows(someone(role), action)} == roles


def test_only_the_lead_may_ask_for_more_time(runtime, cases):
    with runtime.read() as unit:
        assert access.find(unit, someone("handler"), "extend", "lead-C1").number == "lead-C1"
        with pytest.raises(NotAllowed, match="As handler, anna may not extend task-C1"):
            access.find(unit, someone("handler"), "extend", "task-C1")


def test_a_citizen_reaches_the_one_case_whose_secret_was_shown(runtime, cases):
    with runtime.read() as unit:
        assert seen(unit, access.citizen("lead-C4"), "rate") == {"lead-C4"}
        assert seen(unit, access.citizen("lead-C4"), "read") == set()


def test_work_is_for_the_group_alone_and_the_office_may_hand_it_on(runtime, cases):
    with runtime.read() as unit:
        task = unit.first(select(model.tasks).where(model.tasks.c.group == THEIRS).order_by(model.tasks.c.id))

        assert not access.allows(someone("handler"), "work", task, unit)
        assert not access.allows(someone("office", agency="vp_74"), "work", task, unit)
        assert access.allows(someone("office", agency="vp_74"), "delegate", task, unit)
        assert access.allows(someone("handler", agency=THEIRS), "work", task, unit)


def test_only_who_handed_a_task_down_takes_it_back(runtime, cases):
    with runtime.read() as unit:
        tasks = unit.all(select(*model.tasks.c, model.cases.c.number, model.cases.c.province).join(model.cases))

        def may(account: Account) -> set[str]:
            return {task.number for task in tasks if access.allows(account, "take-back", task, unit)}

        assert may(someone("handler")) == of("above")
        assert may(someone("handler", agency=THEIRS)) == of("handed")
        assert may(someone("office", agency="vp_74")) == of(HERE)
        assert may(someone("monitor")) == may(someone("operator")) == set()


def test_a_report_is_for_the_province_and_type_of_the_account():
    operator = someone("operator", report_types=("BDTT",))

    access.require(operator, "report", Target(province="74", report_type="BDTT"))
    with pytest.raises(NotAllowed):
        access.require(operator, "report", Target(province="75", report_type="BDTT"))
    with pytest.raises(NotAllowed):
        access.require(operator, "report", Target(province="74", report_type="BDKB"))


def test_an_account_without_an_agency_has_no_province(runtime, cases):
    with runtime.read() as unit:
        for role in set(ROLES) - {"admin", "client"}:
            assert seen(unit, someone(role, agency=None, province=None)) == set()


def test_an_unknown_role_may_do_nothing_and_an_unknown_action_is_a_mistake_of_ours(runtime, cases):
    with runtime.read() as unit:
        assert seen(unit, someone("intruder")) == set()
        with pytest.raises(ValueError, match="no rule speaks of"):
            access.allows(someone("admin"), "fly")


def test_every_action_has_words_for_a_refusal() -> None:
    assert set(access._WORDS) == set(access.ACTIONS)
