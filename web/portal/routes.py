"""All pages of the clinic, on one desk."""

from __future__ import annotations

from aiohttp import web

from clinic_api.db import Database
from clinic_api.http.authentication import Authenticate
from web.portal.account import AccountPages
from web.portal.audit import AuditPages
from web.portal.desk import Desk
from web.portal.doors import DoorPages
from web.portal.messages import MessagePages
from web.portal.new_patient import NewPatientPages
from web.portal.patients import PatientPages
from web.portal.set_up import SetUpPages
from web.portal.sign_in import SignInPages
from web.portal.users import UserPages
from web.portal.visits import VisitPages


def add_portal(app: web.Application, database: Database, authenticate: Authenticate) -> None:
    """Adds every page."""
    desk = Desk(database, authenticate)
    for pages in (
        SetUpPages,
        SignInPages,
        AccountPages,
        DoorPages,
        VisitPages,
        NewPatientPages,  # before a patient whose id would be “new”
        PatientPages,
        AuditPages,
        UserPages,
        MessagePages,
    ):
        pages(desk).add_routes(app)
