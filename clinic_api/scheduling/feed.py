"""A private calendar to subscribe to, one for each login: one's own appointments and wards'.

Its address is a secret that only this installation can make, and the next generation ends it. It
tells times and the clinic. Of whom a visit is, it says only as far as its owner wants it to, since
programs of others keep it.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import store as users
from clinic_api.auth.service import own
from clinic_api.directory import relations
from clinic_api.directory import store as people
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden
from clinic_api.organisation import store as organisations
from clinic_api.scheduling import feed_store as store
from clinic_api.scheduling import ics
from clinic_api.scheduling.feed_store import Dated, Feed, Names
from clinic_api.scheduling.invites import entry_of
from clinic_api.transaction import Keys, Transaction

PATH = "/calendar/"
SUFFIX = ".ics"
_ETAG_BYTES = 16


class Nothing(msgspec.Struct, frozen=True):
    """Nothing to say: one's own."""


class RenewFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A new address; the one before ends at once."""

    names: Names = "none"  # of patients, in a doctor's feed, and of wards


class ChangeFeed(msgspec.Struct, frozen=True, kw_only=True):
    """How much the feed says of whom a visit is."""

    version: int
    names: Names


class OwnFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One's own feed. Without one, or after it was withdrawn, `url` is empty."""

    version: int
    names: Names
    url: str  # a secret: whoever has it sees the feed


class FollowFeed(msgspec.Struct, frozen=True):
    """`known`: entity tags of what the program has already."""

    token: str
    known: tuple[str, ...] = ()


class Followed(msgspec.Struct, frozen=True):
    """What a feed says; `entries` is None where the program has it already."""

    etag: str
    name: str
    entries: tuple[ics.Entry, ...] | None


@guarded("calendar.read")
def read_feed(tx: Transaction, actor: Actor, command: Nothing) -> OwnFeed:
    """The address of one's own feed."""
    del command
    user = own(tx, actor)
    tx.note(actor, "calendar_feed", user.id)
    return _shown(tx, store.feed_of(tx, user.id))


@guarded("calendar.renew")
def renew_feed(tx: Transaction, actor: Actor, command: RenewFeed) -> OwnFeed:
    """Make one's own feed, or give it a new address."""
    user = own(tx, actor)
    held = store.feed_of(tx, user.id)
    if held is None:
        store.add_feed(tx, actor, user.id, command.names)
    else:
        values = {"generation": held.generation + 1, "names": command.names, "open": True}
        store.change_feed(tx, actor, held, **values)
    tx.note(actor, "calendar_feed", user.id, names=command.names)
    return _shown(tx, store.feed_of(tx, user.id))


@guarded("calendar.change")
def change_feed(tx: Transaction, actor: Actor, command: ChangeFeed) -> OwnFeed:
    """Say more or less of whom a visit is. Raises Refused: not_found without a feed, stale."""
    held = _open(tx, actor)
    if held.version != command.version:
        raise Refused("stale")
    store.change_feed(tx, actor, held, names=command.names)
    tx.note(actor, "calendar_feed", held.user_id, names=command.names)
    return _shown(tx, store.feed_of(tx, held.user_id))


@guarded("calendar.withdraw")
def withdraw_feed(tx: Transaction, actor: Actor, command: Nothing) -> None:
    """The address ends at once. Raises Refused(not_found) without a feed."""
    del command
    held = _open(tx, actor)
    store.change_feed(tx, actor, held, open=False)
    tx.note(actor, "calendar_feed", held.user_id)


@guarded("calendar.follow")
def follow_feed(tx: Transaction, actor: Actor, command: FollowFeed) -> Followed:
    """For whoever has the address. What is given is noted as seen by the feed's owner.

    Raises Refused(not_found): no such feed, another address by now, an account that is not active.
    """
    held = _by_token(tx, command.token)
    owner = users.user(tx, held.user_id) if held else None
    if held is None or owner is None or owner.state != "active":
        raise hidden(tx, actor, "calendar_feed", "")
    related = relations.of_user(tx, held.user_id)
    found = store.appointments_of(tx, related.patient_ids, related.practitioner_id)
    clinic = organisations.organisation(tx).name
    titles = Titles(tx, held, clinic)
    entries = tuple(_entry(tx, titles, each) for each in found)
    etag = _etag(clinic, entries)
    if etag in command.known:
        return Followed(etag, clinic, None)
    reader = Actor(kind="user", id=held.user_id, client=actor.client)
    for patient_id in _told_of(held, related.patient_ids, found):
        tx.note(reader, "calendar_feed", held.user_id, patient_id=patient_id)
    return Followed(etag, clinic, entries)


def _told_of(held: Feed, own_ids: frozenset[str], found: list[Dated]) -> list[str]:
    """Whose appointments can be told from the feed; "" where it names nobody."""
    named = {each.appointment.patient_id for each in found}
    return sorted(named if held.names != "none" else named & own_ids) or [""]


class Titles:
    """What the entries of one feed are called."""

    def __init__(self, tx: Transaction, feed: Feed, clinic: str) -> None:
        self._tx = tx
        self._names = feed.names
        self._clinic = clinic
        self._own_id = people.patient_of_user(tx, feed.user_id)
        self._practitioner_id = relations.of_user(tx, feed.user_id).practitioner_id
        self._known: dict[str, str] = {}

    def of(self, dated: Dated) -> str:
        appointment = dated.appointment
        if appointment.patient_id == self._own_id:
            return f"Appointment with {self._clinic}"
        gives = appointment.practitioner_id == self._practitioner_id
        title = "Visit" if gives else f"Appointment with {self._clinic}"
        if self._names == "none":
            return title
        return f"{title}: {self._name_of(appointment.patient_id)}"

    def _name_of(self, patient_id: str) -> str:
        if patient_id not in self._known:
            patient = people.patient(self._tx, relations.current_id(self._tx, patient_id))
            name = patient.details.name if patient else ""
            self._known[patient_id] = initials(name) if self._names == "initials" else name
        return self._known[patient_id]


def initials(name: str) -> str:
    """`Alice Example` → `A. E.`"""
    return " ".join(f"{part[0]}." for part in name.split())


def token_of(keys: Keys, feed: Feed) -> str:
    """The secret part of a feed's address: its id and 160 bits."""
    mac = keys.token("calendar feed", feed.id, str(feed.generation))
    return f"{uuid.UUID(feed.id).hex}-{mac}"


def _by_token(tx: Transaction, token: str) -> Feed | None:
    try:
        feed_id = str(uuid.UUID(hex=token.partition("-")[0]))
    except ValueError:
        return None
    held = store.feed(tx, feed_id)
    if held is None or not held.open:
        return None
    right = hmac.compare_digest(token.encode(), token_of(tx.keys, held).encode())
    return held if right else None


def _open(tx: Transaction, actor: Actor) -> Feed:
    held = store.feed_of(tx, own(tx, actor).id)
    if held is None or not held.open:
        raise hidden(tx, actor, "calendar_feed", actor.id)
    return held


def _shown(tx: Transaction, held: Feed | None) -> OwnFeed:
    if held is None:
        return OwnFeed(version=0, names="none", url="")
    url = f"{tx.public_url}{PATH}{token_of(tx.keys, held)}{SUFFIX}" if held.open else ""
    return OwnFeed(version=held.version, names=held.names, url=url)


def _entry(tx: Transaction, titles: Titles, dated: Dated) -> ics.Entry:
    return entry_of(tx, dated.appointment, titles.of(dated), dated.changed_at)


def _etag(clinic: str, entries: tuple[ics.Entry, ...]) -> str:
    said = msgspec.json.encode((clinic, entries))
    return f'"{hashlib.blake2b(said, digest_size=_ETAG_BYTES).hexdigest()}"'
