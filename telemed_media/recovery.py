"""When no administrator can sign in: the console, which only whoever owns the server has.

A code begins the login anew, as an administrator; the audit names the console.
"""

from __future__ import annotations

import asyncio
import sqlite3
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.exc import DBAPIError

from clinic_api.actor import system
from clinic_api.auth.model import normal_login
from clinic_api.auth.users import ListUsers, list_users, recover_admin
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.key_files import KeyringError
from clinic_api.migrations import MigrationError
from clinic_api.organisation.model import Organisation, ReadOrganisation
from clinic_api.organisation.service import read_organisation
from clinic_api.paging import MAX_ITEMS
from telemed_media.clinic import open_clinic
from telemed_media.clinic_faces import served_address
from telemed_media.config import Settings
from telemed_media.data_folder import DataFolder
from telemed_media.reach import ReachError

CONSOLE = system("console")
ACTIVATE_PATH = "/activate"


class RecoveryError(Exception):
    """It cannot be done; the message is for the person who runs the command."""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What the person has to know to come back."""

    login: str
    code: str
    until: str  # by the clinic's clock, with its time zone
    address: str  # of the page that asks for the code


def recover(folder: DataFolder, settings: Settings, login: str) -> Recovery:
    """A code for the login, which is an administrator from now on. Raises RecoveryError."""
    if not settings.database_url and not folder.clinic_database.exists():
        raise RecoveryError(f"There is no clinic's database in {folder.root} yet.")
    try:
        address = f"{served_address(folder, settings)}{ACTIVATE_PATH}"
        return asyncio.run(_recover(folder, settings.database_url, normal_login(login), address))
    except ReachError as problem:
        raise RecoveryError(str(problem)) from problem
    except (KeyringError, MigrationError) as problem:
        raise RecoveryError(str(problem)) from problem
    except (DBAPIError, sqlite3.Error, OSError) as problem:
        raise RecoveryError(f"The database cannot be opened: {problem}") from problem


async def _recover(folder: DataFolder, database_url: str, login: str, address: str) -> Recovery:
    async with await open_clinic(folder, database_url) as database:
        try:
            issued = await database.write(lambda tx: recover_admin(tx, CONSOLE, login))
        except Refused as refused:
            raise RecoveryError(await _why_not(database, login, refused)) from refused
        clinic: Organisation = await database.read(
            lambda tx: read_organisation(tx, CONSOLE, ReadOrganisation())
        )
        zone = clinic.time_zone or "UTC"
        until = issued.expires_at.astimezone(ZoneInfo(zone))
        return Recovery(
            login=issued.user.login,
            code=issued.code,
            until=f"{until:%d %b %Y, %H:%M} ({zone})",
            address=address,
        )


async def _why_not(database: Database, login: str, refused: Refused) -> str:
    known = ", ".join(await _administrators(database)) or "none"
    why = f"Nobody signs in as {login}." if refused.code == "not_found" else refused.message
    return f"{why} Administrators: {known}."


async def _administrators(database: Database) -> list[str]:
    asked = ListUsers(limit=MAX_ITEMS)
    listed = await database.read(lambda tx: list_users(tx, CONSOLE, asked))
    return [user.login for user in listed.items if "admin" in user.roles]
