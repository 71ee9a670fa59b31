"""What the console does with the installation as a whole; each is in the audit."""

from __future__ import annotations

from pathlib import Path

from clinic_api import keyring
from clinic_api.actor import Actor
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction


@guarded("backup.make")
def make_backup(tx: Transaction, actor: Actor) -> None:
    """Record that a backup is about to be written."""
    tx.note(actor, "backup")


@guarded("backup.restore")
def restore_backup(tx: Transaction, actor: Actor) -> None:
    """Record, in what came out of it, that a backup was restored."""
    tx.note(actor, "backup")


@guarded("keys.export")
def export_keys(tx: Transaction, actor: Actor) -> None:
    """Record that all keys are about to be written into one file."""
    tx.note(actor, "keys")


@guarded("keys.rotate")
def rotate_keys(tx: Transaction, actor: Actor, folder: Path) -> Path:
    """A new key file in `folder`, all keys wrapped by it, and a new key for new rows.

    No other process may have the database open. Returns the new file. Raises KeyringError, OSError.
    """
    made = keyring.rotate_kek(tx.sql, folder)
    keyring.rotate_data_key(tx.sql, folder, tx.now)
    tx.note(actor, "keys", made.stem)
    return made
