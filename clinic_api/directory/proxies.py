"""Who acts for a patient: granted by staff, ended by staff or by the patient, never by itself."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory import relation_store as store
from clinic_api.directory.contacts import tidy_email, tidy_name, tidy_phone
from clinic_api.directory.model import (
    Email,
    Id,
    Name,
    Phone,
    Proxy,
    ProxyScope,
    Short,
    stands,
)
from clinic_api.directory.relations import facts_of
from clinic_api.directory.store import patient
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.organisation.store import organisation
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction


class GrantProxy(msgspec.Struct, frozen=True, kw_only=True):
    """`user_id`: the login by which the person acts; without one, the person can be invited."""

    patient_id: Id
    name: Name
    relationship: Short = ""
    user_id: Id | None = None
    phone: Phone = ""
    email: Email = ""
    scope: ProxyScope = "record"
    expires_at: datetime | None = None


class EndProxy(msgspec.Struct, frozen=True, kw_only=True):
    patient_id: Id
    proxy_id: Id
    version: int


class ListProxies(msgspec.Struct, frozen=True, kw_only=True):
    patient_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


@guarded("proxy.grant")
def grant_proxy(tx: Transaction, actor: Actor, command: GrantProxy) -> Proxy:
    """Raises Refused: not_found, invalid."""
    _permit(tx, actor, command.patient_id)
    if command.expires_at is not None and command.expires_at <= tx.now:
        raise Refused("invalid", fields={"expires_at": "This is over already."})
    country = organisation(tx).country
    proxy_id = tx.insert(
        store.proxies,
        actor,
        patient_id=command.patient_id,
        user_id=command.user_id,
        name=tidy_name(command.name),
        relationship=command.relationship,
        phone=tidy_phone(command.phone, country) if command.phone else "",
        email=tidy_email(command.email) if command.email else "",
        scope=command.scope,
        expires_at=command.expires_at,
    )
    tx.note(actor, "proxy", proxy_id, patient_id=command.patient_id, scope=command.scope)
    return _known(tx, actor, command.patient_id, proxy_id)


@guarded("proxy.end")
def end_proxy(tx: Transaction, actor: Actor, command: EndProxy) -> Proxy:
    """Raises Refused: not_found, stale, illegal_event."""
    _permit(tx, actor, command.patient_id)
    proxy = _known(tx, actor, command.patient_id, command.proxy_id)
    if not stands(proxy, tx.now):
        raise Refused("illegal_event", "This person does not act for the patient any more.")
    tx.update(store.proxies, actor, proxy.id, command.version, ended_at=tx.now)
    tx.note(actor, "proxy", proxy.id, patient_id=command.patient_id)
    return _known(tx, actor, command.patient_id, proxy.id)


@guarded("proxy.list")
def list_proxies(tx: Transaction, actor: Actor, command: ListProxies) -> Page[Proxy]:
    """Those of before, too; newest first. Raises Refused(not_found)."""
    _permit(tx, actor, command.patient_id)
    tx.note(actor, "patient", command.patient_id, patient_id=command.patient_id)
    return store.proxies_of(tx, command.patient_id, command.cursor, command.limit)


def _permit(tx: Transaction, actor: Actor, patient_id: str) -> None:
    if patient(tx, patient_id) is None:
        raise hidden(tx, actor, "patient", patient_id)
    permit(tx, actor, facts_of(tx, patient_id))


def _known(tx: Transaction, actor: Actor, patient_id: str, proxy_id: str) -> Proxy:
    proxy = store.proxy(tx, proxy_id)
    if proxy is None or proxy.patient_id != patient_id:
        raise hidden(tx, actor, "proxy", proxy_id)
    return proxy
