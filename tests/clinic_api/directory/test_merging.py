"""Merging two records and telling them apart again."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic_api.actor import Actor
from clinic_api.directory import store
from clinic_api.directory.merging import (
    Merged,
    MergePatients,
    Unmerge,
    merge_patients,
    unmerge_patients,
)
from clinic_api.directory.proxies import GrantProxy, grant_proxy
from clinic_api.directory.relations import current_id, of_user
from clinic_api.directory.service import (
    CreatePatient,
    OnePatient,
    create_patient,
    read_patient,
    register_patient,
)
from clinic_api.schema import metadata
from clinic_api.visits.service import ListVisits, list_visits
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, Clinic, user_id

ALICE = Actor(kind="user", id=user_id(1), roles=frozenset({"patient"}))


async def test_what_belonged_to_the_one_belongs_to_the_other(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    known = await _record(clinic)
    visit = await clinic.visit(name="Alise")
    merged = await _merge(clinic, visit.visit.patient_id or "", known)
    assert (merged.source.state, merged.source.merged_into) == ("merged", known)
    seen = await clinic.see(list_visits, CAROL, ListVisits(patient_id=known))
    assert [one.id for one in seen.items] == [visit.id]
    assert (await clinic.see(read_patient, clinic.bob, OnePatient(known))).id == known
    assert await clinic.database.read(lambda tx: current_id(tx, merged.source.id)) == known
    audited = await clinic.audited("patient.merge")
    assert {row.patient_id for row in audited} == {known, merged.source.id}


async def test_a_login_goes_along_and_comes_back(clinic: Clinic) -> None:
    known = await _record(clinic)
    own = (await clinic.do(register_patient, ALICE, CreatePatient(name="Alice"))).id
    merged = await _merge(clinic, own, known)
    assert (await clinic.database.read(lambda tx: of_user(tx, ALICE.id))).patient_ids == {known}
    undone = await clinic.do(unmerge_patients, CONSOLE, Unmerge(merged.id))
    assert (undone.source.state, undone.source.has_login) == ("unmatched", True)
    assert (await clinic.database.read(lambda tx: of_user(tx, ALICE.id))).patient_ids == {own}


async def test_two_logins_are_not_merged(clinic: Clinic) -> None:
    own = (await clinic.do(register_patient, ALICE, CreatePatient(name="Alice"))).id
    other = (await clinic.do(register_patient, CHARLIE, CreatePatient(name="Charlie"))).id
    command = MergePatients(patient_id=own, target_id=other, version=1)
    assert (await clinic.refusal(merge_patients, CONSOLE, command)).code == "conflict"


async def test_the_last_merge_is_undone_first(clinic: Clinic) -> None:
    first, second, third = [await _record(clinic) for _ in range(3)]
    inner = await _merge(clinic, first, second)
    clinic.clock.advance(1)
    outer = await _merge(clinic, second, third)
    assert await clinic.database.read(lambda tx: current_id(tx, first)) == third
    assert (await clinic.refusal(unmerge_patients, CONSOLE, Unmerge(inner.id))).code == "conflict"
    await clinic.do(unmerge_patients, CONSOLE, Unmerge(outer.id))
    assert await clinic.database.read(lambda tx: current_id(tx, first)) == second
    await clinic.do(unmerge_patients, CONSOLE, Unmerge(inner.id))
    again = await clinic.refusal(unmerge_patients, CONSOLE, Unmerge(inner.id))
    assert again.code == "illegal_event"


async def test_a_record_is_merged_once_and_not_with_itself(clinic: Clinic) -> None:
    first, second, third = [await _record(clinic) for _ in range(3)]
    itself = MergePatients(patient_id=first, target_id=first, version=1)
    assert (await clinic.refusal(merge_patients, CONSOLE, itself)).code == "invalid"
    await _merge(clinic, first, second)
    twice = MergePatients(patient_id=first, target_id=third, version=2)
    assert (await clinic.refusal(merge_patients, CONSOLE, twice)).code == "conflict"
    into = MergePatients(patient_id=third, target_id=first, version=1)
    assert (await clinic.refusal(merge_patients, CONSOLE, into)).code == "conflict"


async def test_the_version_that_was_read_is_merged(clinic: Clinic) -> None:
    first, second = await _record(clinic), await _record(clinic)
    command = MergePatients(patient_id=first, target_id=second, version=7)
    assert (await clinic.refusal(merge_patients, CONSOLE, command)).code == "stale"


async def test_merging_asks_for_a_fresh_factor(clinic: Clinic) -> None:
    first, second = await _record(clinic), await _record(clinic)
    command = MergePatients(patient_id=first, target_id=second, version=1)
    assert (await clinic.refusal(merge_patients, CAROL, command)).code == "step_up_needed"
    fresh = msgspec.structs.replace(CAROL, stepped_up_at=clinic.database.now())
    assert (await clinic.do(merge_patients, fresh, command)).moved == 0
    assert (await clinic.refusal(merge_patients, CHARLIE, command)).code == "not_allowed"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.lists(st.sampled_from(["visit", "proxy"]), max_size=3),
    of_target=st.lists(st.sampled_from(["visit", "proxy"]), max_size=2),
    meanwhile=st.lists(st.sampled_from(["visit", "proxy"]), max_size=2),
)
async def test_undoing_restores_every_reference_exactly(
    clinic: Clinic, before: list[str], of_target: list[str], meanwhile: list[str]
) -> None:
    source, target = await _record(clinic), await _record(clinic)
    for kind in before:
        await _add(clinic, kind, source)
    for kind in of_target:
        await _add(clinic, kind, target)
    original = await _references(clinic)
    merged = await _merge(clinic, source, target)
    assert source not in (await _references(clinic)).values()
    for kind in meanwhile:
        await _add(clinic, kind, target)
    await clinic.do(unmerge_patients, CONSOLE, Unmerge(merged.id))
    now = await _references(clinic)
    assert {row: now[row] for row in original} == original
    assert all(now[row] == target for row in now.keys() - original.keys())


async def _add(clinic: Clinic, kind: str, patient_id: str) -> None:
    if kind == "visit":
        await clinic.visit(patient_id=patient_id)
    else:
        await clinic.do(grant_proxy, CAROL, GrantProxy(patient_id=patient_id, name="Mum"))


async def _references(clinic: Clinic) -> dict[tuple[str, str, str], Any]:
    """Table, column, row → whom it refers to, of every foreign key to patients that is set."""
    found: dict[tuple[str, str, str], Any] = {}
    for table in metadata.sorted_tables:
        for column in table.c:
            if any(key.references(store.patients) for key in column.foreign_keys):
                for row in await clinic.rows(table):
                    value = getattr(row, column.name)
                    if value is not None:
                        found[table.name, column.name, row.id] = value
    return found


async def _record(clinic: Clinic) -> str:
    return (await clinic.do(create_patient, CAROL, CreatePatient(name="Alice"))).id


async def _merge(clinic: Clinic, source: str, target: str) -> Merged:
    version = (await clinic.see(read_patient, CONSOLE, OnePatient(source))).version
    command = MergePatients(patient_id=source, target_id=target, version=version)
    return await clinic.do(merge_patients, CONSOLE, command)


# What names a patient and never follows a merge: what was done to whom stays as it was.
STAYS = {("audit", "patient_id")}


def test_every_table_that_names_a_patient_follows_a_merge() -> None:
    """Merging finds rows by their foreign keys: a column without one would be left behind."""
    left_behind = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.c
        if column.name.endswith("patient_id")
        and not any(key.references(store.patients) for key in column.foreign_keys)
    }
    assert left_behind == STAYS
