"""Who acts for a patient: as far and as long as it was granted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clinic_api.directory.model import Proxy
from clinic_api.directory.proxies import (
    EndProxy,
    GrantProxy,
    ListProxies,
    end_proxy,
    grant_proxy,
    list_proxies,
)
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import CreatePatient, create_patient
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic, signed_in, user_id

MUM = user_id(5)


async def test_a_parent_may_see_the_childs_record_until_it_ends(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    proxy = await _grant(clinic)
    assert await _wards(clinic) == {proxy.patient_id}
    command = EndProxy(patient_id=proxy.patient_id, proxy_id=proxy.id, version=proxy.version)
    await clinic.do(end_proxy, CAROL, command)
    assert await _wards(clinic) == set()
    again = EndProxy(patient_id=proxy.patient_id, proxy_id=proxy.id, version=2)
    assert (await clinic.refusal(end_proxy, CAROL, again)).code == "illegal_event"


async def test_it_ends_by_itself_when_it_was_granted_for_a_time(clinic: Clinic) -> None:
    await _grant(clinic, expires_at=clinic.database.now() + timedelta(days=1))
    assert len(await _wards(clinic)) == 1
    clinic.clock.advance(86400)
    assert await _wards(clinic) == set()


async def test_who_may_only_come_to_visits_sees_no_record(clinic: Clinic) -> None:
    await _grant(clinic, scope="visits")
    assert await _wards(clinic) == set()


async def test_the_patient_may_end_it_and_charlie_may_not(clinic: Clinic) -> None:
    proxy = await _grant(clinic)
    command = EndProxy(patient_id=proxy.patient_id, proxy_id=proxy.id, version=proxy.version)
    assert (await clinic.refusal(end_proxy, CHARLIE, command)).code == "not_found"
    listing = ListProxies(patient_id=proxy.patient_id)
    assert (await clinic.refusal(list_proxies, CHARLIE, listing)).code == "not_found"
    alice = signed_in(proxy.patient_id)
    assert [one.id for one in (await clinic.see(list_proxies, alice, listing)).items] == [proxy.id]
    assert (await clinic.do(end_proxy, alice, command)).ended_at is not None


@pytest.mark.parametrize("days", [0, -1])
async def test_what_is_over_is_not_granted(clinic: Clinic, days: int) -> None:
    patient = await clinic.do(create_patient, CAROL, CreatePatient(name="Alice"))
    command = GrantProxy(
        patient_id=patient.id, name="Mum", expires_at=clinic.database.now() + timedelta(days=days)
    )
    assert list((await clinic.refusal(grant_proxy, CAROL, command)).fields) == ["expires_at"]


async def _grant(clinic: Clinic, **values: Any) -> Proxy:
    patient = await clinic.do(create_patient, CAROL, CreatePatient(name="Alice"))
    command = GrantProxy(patient_id=patient.id, name="Mum", user_id=MUM, **values)
    return await clinic.do(grant_proxy, CAROL, command)


async def _wards(clinic: Clinic) -> frozenset[str]:
    return (await clinic.database.read(lambda tx: of_user(tx, MUM))).patient_ids
