"""Somebody begins to work here: a login and, for those who treat, a practitioner, in one step."""

from __future__ import annotations

from clinic_api.actor import Actor, system
from clinic_api.auth.model import UserResult
from clinic_api.auth.users import CreateUser, create_user
from clinic_api.directory.service import CreatePractitioner, create_practitioner
from clinic_api.guarded import guarded
from clinic_api.http.route import Route
from clinic_api.transaction import Transaction

TREATING = frozenset({"doctor", "nurse"})
_JOURNEY = system("staff")


@guarded("user.create")
def add_staff(tx: Transaction, actor: Actor, command: CreateUser) -> UserResult:
    """Raises Refused: invalid, conflict (the name is taken)."""
    user = create_user(tx, actor, command)
    if command.roles & TREATING:
        practitioner = CreatePractitioner(
            name=user.display_name, languages=(user.language,), user_id=user.id
        )
        create_practitioner(tx, _JOURNEY, practitioner)
    return user


ROUTES: tuple[Route, ...] = (
    Route("POST", "/users", add_staff, CreateUser, UserResult, status=201),
)
