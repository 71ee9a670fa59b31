"""Every public service method is defined with `@guarded(action)`: no path avoids the table.

The guard checks role and step-up before anything else is read; the relation to the object is
checked by the service with `permit`, as soon as it has read whose the object is. Both refusals are
audited.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import msgspec

from clinic_api.actions import ACTIONS, STEP_UP_S, Action, Relation
from clinic_api.actor import Actor
from clinic_api.errors import Attempt, Refused
from clinic_api.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")
Service = Callable[Concatenate[Transaction, Actor, P], R]  # positional: tx, actor

REGISTRY: dict[str, tuple[str, Callable[..., Any]]] = {}  # module.function → action, function


def guarded(action: str, *, only_asks: bool = False) -> Callable[[Service[P, R]], Service[P, R]]:
    """Declare the action of a service. Raises KeyError for one that is not in the table.

    A service that `only_asks` whether the action may begin, before a body is taken for it, has
    nothing to note; its refusals are audited like all others.
    """
    rule = ACTIONS[action]

    def declare(service: Service[P, R]) -> Service[P, R]:
        @wraps(service)
        def run(tx: Transaction, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
            check(action, actor, tx)
            outer, tx.action, before = tx.action, action, len(tx.audits)
            try:
                result = service(tx, actor, *args, **kwargs)
            finally:
                tx.action = outer
            if rule.audited and not only_asks and len(tx.audits) == before:
                raise AssertionError(f"{action} is audited, but its service noted nothing")
            return result

        REGISTRY[f"{service.__module__}.{service.__qualname__}"] = (action, service)
        return cast("Service[P, R]", run)

    return declare


def action_of(service: Callable[..., Any]) -> str:
    """Raises KeyError for a function that is not guarded."""
    return REGISTRY[f"{service.__module__}.{service.__qualname__}"][0]


def relations(rule: Action, actor: Actor) -> frozenset[Relation]:
    """Every relation by which the actor may do this; none: not at all."""
    held: set[str] = {actor.kind, *actor.roles}
    return frozenset(relation for name, relation in rule.grants.items() if name in held)


def check(action: str, actor: Actor, tx: Transaction) -> None:
    """Role, scope and step-up. Raises Refused: sign_in_needed, not_allowed, step_up_needed."""
    check_at(action, actor, tx.now)


def check_at(action: str, actor: Actor, now: datetime) -> None:
    """The same before there is a transaction; whoever calls this has the refusal audited."""
    rule = ACTIONS[action]
    outside = actor.scopes is not None and action not in actor.scopes
    if outside or not relations(rule, actor):
        raise Refused(_why_not(actor), attempt=_attempt(action, actor))
    if rule.step_up and actor.kind != "system":
        fresh = actor.stepped_up_at
        if fresh is None or (now - fresh).total_seconds() > STEP_UP_S:
            raise Refused("step_up_needed", attempt=_attempt(action, actor))


def _why_not(actor: Actor) -> str:
    if actor.kind == "stranger":
        return "sign_in_needed"
    if "unfinished" in actor.roles:
        return "second_factor_needed"
    return "enrolment_needed" if "enrolling" in actor.roles else "not_allowed"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Whose an object is."""

    kind: str
    id: str
    patient_ids: Collection[str] = ()
    practitioner_ids: Collection[str] = ()  # who treats
    user_id: str = ""  # whose account
    visit_id: str = ""


def permit(tx: Transaction, actor: Actor, facts: Facts) -> None:
    """Raises Refused(not_found), audited, unless one of the actor's relations holds."""
    rule = ACTIONS[tx.action]
    if not any(_holds(relation, actor, facts) for relation in relations(rule, actor)):
        raise Refused(
            "not_found", attempt=_attempt(tx.action, actor, kind=facts.kind, object_id=facts.id)
        )


def hidden(tx: Transaction, actor: Actor, kind: str, object_id: str) -> Refused:
    """The refusal for an object that does not exist: the same as for another person's."""
    return Refused("not_found", attempt=_attempt(tx.action, actor, kind=kind, object_id=object_id))


def _holds(relation: Relation, actor: Actor, facts: Facts) -> bool:
    match relation:
        case "any":
            return True
        case "own":
            return bool(actor.patient_ids & set(facts.patient_ids))
        case "self":
            return bool(facts.user_id) and facts.user_id == actor.id
        case "care":
            return actor.practitioner_id in facts.practitioner_ids
        case "visit":
            return bool(facts.visit_id) and facts.visit_id == actor.visit_id


def _attempt(action: str, actor: Actor, kind: str = "", object_id: str = "") -> Attempt:
    return Attempt(actor.kind, actor.id, action, kind, object_id, actor.client)
