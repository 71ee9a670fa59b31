"""When no administrator can sign in: the console, which only whoever owns the server has.

A code begins the login anew, as an administrator; the audit names the console.
"""

from __future__ import annotations

import asyncio
import sqlite3

from sqlalchemy.exc import DBAPIError

from clinic_api.actor import system
from clinic_api.auth.model import normal_login
from clinic_api.auth.users import IssuedCode, ListUsers, list_users, recover_admin
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.key_files import KeyringError
from clinic_api.migrations import MigrationError
from clinic_api.paging import MAX_ITEMS
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import DataFolder

CONSOLE = system("console")


class RecoveryError(Exception):
    """It cannot be done; the message is for the person who runs the command."""


def recover(folder: DataFolder, database_url: str, login: str) -> IssuedCode:
    """A code for the login, which is an administrator from now on. Raises RecoveryError."""
    if not database_url and not folder.clinic_database.exists():
        raise RecoveryError(f"There is no clinic's database in {folder.root} yet.")
    try:
        return asyncio.run(_recover(folder, database_url, normal_login(login)))
    except (KeyringError, MigrationError) as problem:
        raise RecoveryError(str(problem)) from problem
    except (DBAPIError, sqlite3.Error, OSError) as problem:
        raise RecoveryError(f"The database cannot be opened: {problem}") from problem


async def _recover(folder: DataFolder, database_url: str, login: str) -> IssuedCode:
    async with await open_clinic(folder, database_url) as database:
        try:
            return await database.write(lambda tx: recover_admin(tx, CONSOLE, login))
        except Refused as refused:
            known = ", ".join(await _administrators(database)) or "none"
            raise RecoveryError(f"{refused.message} Administrators: {known}.") from refused


async def _administrators(database: Database) -> list[str]:
    asked = ListUsers(limit=MAX_ITEMS)
    listed = await database.read(lambda tx: list_users(tx, CONSOLE, asked))
    return [user.login for user in listed.items if "admin" in user.roles]
