"""Counts tries at passwords, codes and links, and refuses those that come too fast.

A try is counted before it is judged, in a transaction of its own: a refusal later cannot undo it.
Where somebody has signed in before, tries at that login are counted by themselves: a stranger who
guesses elsewhere, or at others from the same address, keeps nobody from their own account.
"""

from __future__ import annotations

import ipaddress
import math

from clinic_api.actor import Actor
from clinic_api.auth import store
from clinic_api.auth.throttle import FOREVER, LIMITS, Subject, Tries, counted, wait
from clinic_api.errors import Refused
from clinic_api.transaction import Transaction

V6_NETWORK_BITS = 64  # what one subscriber has


def count(tx: Transaction, actor: Actor, subject: Subject, name: str) -> None:
    """Raises Refused(too_many_requests); the try is not counted then."""
    limit, known = LIMITS[subject], store.tries(tx, actor, subject, name)
    pause = wait(limit, known, tx.now)
    if pause >= FOREVER:
        raise Refused(
            "too_many_requests", "Too many tries. Please ask for a new password, or at the desk."
        )
    if pause:
        raise Refused("too_many_requests", retry_after_s=math.ceil(pause.total_seconds()))
    store.write_tries(tx, actor, subject, name, counted(limit, known, tx.now))


def count_password(tx: Transaction, actor: Actor, login: str) -> None:
    """A try at the password of a login. Raises as `count`."""
    if _is_known(tx, actor, login):
        count(tx, actor, "known", _place(actor, login))
    else:
        count_address(tx, actor)
        count(tx, actor, "login", login)


def password_was_right(tx: Transaction, actor: Actor, login: str) -> None:
    """After `count_password`."""
    clear(tx, "login", login)
    if _is_known(tx, actor, login):
        remember(tx, actor, login)
    else:
        give_back_address(tx, actor)


def remember(tx: Transaction, actor: Actor, login: str) -> None:
    """Somebody has signed in here, with all that it takes."""
    if actor.client:
        place = _place(actor, login)
        store.tries(tx, actor, "known", place)
        store.write_tries(tx, actor, "known", place, Tries(0, tx.now))


def _is_known(tx: Transaction, actor: Actor, login: str) -> bool:
    """Whether it is worth an own count; one that is used up is not."""
    held = store.counted_tries(tx, "known", _place(actor, login)) if actor.client else None
    return held is not None and wait(LIMITS["known"], held, tx.now) < FOREVER


def _place(actor: Actor, login: str) -> str:
    return f"{network(actor.client)} {login}"


def count_address(tx: Transaction, actor: Actor) -> None:
    """The address that the actor comes from, where it is known. Raises as `count`."""
    if actor.client:
        count(tx, actor, "address", network(actor.client))


def give_back_address(tx: Transaction, actor: Actor) -> None:
    """The try was right: a whole clinic that signs in from one address is no guesser."""
    if not actor.client:
        return
    name = network(actor.client)
    known = store.tries(tx, actor, "address", name)
    fewer = Tries(max(known.count - 1, 0), known.last_at)
    store.write_tries(tx, actor, "address", name, fewer)


def clear(tx: Transaction, subject: Subject, name: str) -> None:
    """It was right."""
    store.clear_tries(tx, subject, name)


def network(client: str) -> str:
    """An IPv4 address as it is; of IPv6 the network, as everybody there has 2^64 addresses."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return client
    return str(ipaddress.ip_network((address, V6_NETWORK_BITS), strict=False))
