"""Where the clinic's data of a data folder is, for every process that opens it."""

from __future__ import annotations

from clinic_api.opening import Place
from telemed_media.data_folder import DataFolder


def clinic_place(folder: DataFolder, database_url: str) -> Place:
    """`database_url` is the setting DATABASE_URL; empty: SQLite in the folder."""
    return Place(
        url=database_url,
        path=folder.clinic_database,
        keys=folder.keys,
        backups=folder.backups,
    )
