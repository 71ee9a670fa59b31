"""The clinic's database in a data folder, as the front, the jobs and the commands open it."""

from __future__ import annotations

import zoneinfo

from clinic_api.db import Database
from clinic_api.key_files import KeyringError
from clinic_api.migrations import MigrationError
from clinic_api.opening import Place, open_database
from telemed_media.data_folder import DataFolder

UNUSABLE = (MigrationError, KeyringError)  # in words; starting again does not help


async def open_clinic(
    folder: DataFolder,
    database_url: str,
    public_url: str = "",
    *,
    quarantines: bool = False,
    sends_mail: bool = False,
) -> Database:
    """Open or create; close it with `close`. `public_url` is needed where links are made;
    `quarantines`: files that come in wait for the virus scanner; `sends_mail`: there is a mail
    server.

    From then on time zones are those of the pinned tzdata package, not of the machine. Raises
    MigrationError, KeyringError, sqlite3.Error, DBAPIError, OSError.
    """
    zoneinfo.reset_tzpath([])
    place = clinic_place(folder, database_url)
    return await open_database(
        place, public_url=public_url, quarantines=quarantines, sends_mail=sends_mail
    )


def clinic_place(folder: DataFolder, database_url: str) -> Place:
    """`database_url` is the setting DATABASE_URL; empty: SQLite in the folder."""
    return Place(
        url=database_url,
        path=folder.clinic_database,
        keys=folder.keys,
        backups=folder.backups,
    )
