"""Who signs in: the list, a new login, disabling one at once."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from aiohttp import web
from msgspec import Meta

from clinic_api.auth.users import (
    CreateUser,
    ListUsers,
    OneUser,
    OneVersion,
    enable_user,
    issue_activation_code,
    list_users,
    read_user,
)
from clinic_api.errors import Refused
from clinic_api.journeys.leaving import disable
from clinic_api.journeys.staff import add_staff
from web.forms import Form, failed
from web.portal.desk import Pages, Visitor, redirect
from web.portal.posted import Posted
from web.portal.words import ROLES

StaffRole = Literal["doctor", "nurse", "desk", "billing", "admin"]


class NewUserForm(msgspec.Struct, frozen=True):
    display_name: Annotated[str, Meta(max_length=120)]
    login: Annotated[str, Meta(max_length=254)]
    role: StaffRole
    csrf: str = ""


class UserPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/users", desk.page(self._list, "user.list"))
        add.add_post("/users/new", desk.page(self._create, "user.create"))
        add.add_get("/users/{user_id}", desk.page(self._user, "user.read"))
        add.add_post("/users/{user_id}/code", desk.page(self._code, "user.issue_code"))
        add.add_post("/users/{user_id}/disable", desk.page(self._disable, "user.disable"))
        add.add_post("/users/{user_id}/enable", desk.page(self._enable, "user.enable"))

    async def _list(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_list(request, visitor)

    async def _show_list(
        self, request: web.Request, visitor: Visitor, form: Form[NewUserForm] | None = None
    ) -> web.Response:
        found = await self._desk.database.read(
            lambda tx: list_users(tx, visitor.actor, ListUsers())
        )
        return self._desk.render(
            request,
            visitor,
            "users.html",
            status=422 if form else 200,
            users=found.items,
            roles=[(role, ROLES[role]) for role in get_args(StaffRole)],
            form=form,
        )

    async def _create(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, NewUserForm)
        said = form.value
        if said is None:
            return await self._show_list(request, visitor, form)
        command = CreateUser(
            login=said.login,
            display_name=said.display_name,
            email=said.login if "@" in said.login else None,
            roles=frozenset({said.role}),
        )
        try:
            made = await self._desk.database.write(lambda tx: add_staff(tx, visitor.actor, command))
        except Refused as refused:
            if not refused.fields:
                raise
            return await self._show_list(request, visitor, failed(form, refused.fields))
        return redirect(f"/users/{made.id}")

    async def _user(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_user(request, visitor)

    async def _show_user(
        self,
        request: web.Request,
        visitor: Visitor,
        code: str = "",
        reassign: tuple[str, ...] = (),
    ) -> web.Response:
        command = OneUser(request.match_info["user_id"])
        user = await self._desk.database.read(lambda tx: read_user(tx, visitor.actor, command))
        return self._desk.render(
            request,
            visitor,
            "user.html",
            user=user,
            code=code,
            reassign=reassign,
            address=self._desk.database.public_url,
        )

    async def _code(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        """A code for the desk, where no mail goes."""
        await self._desk.form(request, visitor, Posted)
        command = OneUser(request.match_info["user_id"])
        made = await self._desk.database.write(
            lambda tx: issue_activation_code(tx, visitor.actor, command)
        )
        return await self._show_user(request, visitor, code=made.code)

    async def _disable(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        command = await self._version(request, visitor)
        done = await self._desk.database.write(lambda tx: disable(tx, visitor.actor, command))
        return await self._show_user(request, visitor, reassign=done.visits_to_reassign)

    async def _enable(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        command = await self._version(request, visitor)
        await self._desk.database.write(lambda tx: enable_user(tx, visitor.actor, command))
        return redirect(f"/users/{command.user_id}")

    async def _version(self, request: web.Request, visitor: Visitor) -> OneVersion:
        await self._desk.form(request, visitor, Posted)
        user_id = request.match_info["user_id"]
        user = await self._desk.database.read(
            lambda tx: read_user(tx, visitor.actor, OneUser(user_id))
        )
        return OneVersion(user_id=user.id, version=user.version)
