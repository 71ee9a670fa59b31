"""The keys of the clinic's data.

A *key-encryption key* lies in the data folder's `keys/` (`clinic-1.kek`, `clinic-2.kek`, …; the
highest number is in force), never in the database or its backups. It wraps the keys of the table
`data_keys`: *seal* keys for sealed columns and files, of which new rows take the newest while old
rows keep theirs, and one *derive* secret, from which the keys of indexes and tokens come (HKDF, RFC
5869). A new key-encryption key wraps them anew; nothing else is written again for it.

Rotations are for a server that stands still: another process would not know the new key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table

from clinic_api import key_files, sealing
from clinic_api.key_files import KEY_BYTES, KeyringError
from clinic_api.schema import Moment, metadata

SEAL, DERIVE = "seal", "derive"
TOKEN_BYTES = 20  # 160 bits
OPENING_LOCK = 0x74656C656B657973  # any number: one process at a time makes the first keys

DATA_KEYS = Table(
    "data_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("purpose", String(10), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("kek_id", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
)

_KEK_NAME = re.compile(r"clinic-([1-9][0-9]{0,5})\.kek")


class DataKey(msgspec.Struct, frozen=True):
    """One key of the table, unwrapped."""

    id: int
    purpose: str
    secret: bytes


class Keyring:
    """Seals, unseals, indexes and makes tokens. Made by `load_keyring`; implements `Keys`.

    `folder` is the data folder's `keys/`.
    """

    def __init__(self, keys: list[DataKey], folder: Path) -> None:
        self.folder = folder
        self._secrets = {key.id: key.secret for key in keys if key.purpose == SEAL}
        self._ciphers = {each: AESGCM(secret) for each, secret in self._secrets.items()}
        self._current = max(self._secrets)
        root = next(key.secret for key in keys if key.purpose == DERIVE)
        self._index_key = derived(root, b"telemed index")
        self._token_key = derived(root, b"telemed token")

    @property
    def current(self) -> int:
        """The key for new rows and files."""
        return self._current

    def seal(self, place: str, row_id: str, text: bytes) -> bytes:
        """Encrypt for this place (table.column) and row."""
        return sealing.seal(self._ciphers[self.current], self.current, place, row_id, text)

    def unseal(self, place: str, row_id: str, sealed: bytes) -> bytes:
        """Raises KeyError where its key is gone, InvalidTag where it was changed or moved."""
        return sealing.unseal(self._ciphers[sealing.key_id_of(sealed)], place, row_id, sealed)

    def index(self, place: str, text: str) -> bytes:
        """HMAC-SHA-256 of the text in this place: 32 bytes, for equality search."""
        return hmac.digest(self._index_key, sealing.joined(place, text), hashlib.sha256)

    def token(self, purpose: str, *parts: str) -> str:
        """160 bits in base64url that only this installation can make: 27 characters."""
        mac = hmac.digest(self._token_key, sealing.joined(purpose, *parts), hashlib.sha256)
        return base64.urlsafe_b64encode(mac[:TOKEN_BYTES]).rstrip(b"=").decode()

    def file_key(self, key_id: int, salt: bytes) -> bytes:
        """The key of one sealed file: of a seal key and the file's own salt. Raises KeyError."""
        return derived(self._secrets[key_id], b"telemed file", salt)


def derived(secret: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    """Another key, from which this one cannot be found (HKDF-SHA-256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


def load_keyring(sql: Connection, folder: Path, now: datetime) -> Keyring:
    """The database's keys by the key files in `folder` (the data folder's `keys/`).

    Both are made where the database has none yet. Needs a writing transaction. Raises KeyringError.
    """
    _one_at_a_time(sql)
    if not _rows(sql):
        kek = _newest(folder)
        for key_id, purpose in ((1, SEAL), (2, DERIVE)):
            _insert(sql, kek, DataKey(key_id, purpose, secrets.token_bytes(KEY_BYTES)), now)
    return Keyring(_unwrapped(sql, folder), folder)


def rotate_data_key(sql: Connection, folder: Path, now: datetime) -> None:
    """A new key for everything sealed from now on. Raises KeyringError."""
    _one_at_a_time(sql)
    keys = _unwrapped(sql, folder)
    key_id = max(key.id for key in keys) + 1
    _insert(sql, _newest(folder), DataKey(key_id, SEAL, secrets.token_bytes(KEY_BYTES)), now)


def rotate_kek(sql: Connection, folder: Path) -> Path:
    """A new key file, and all keys wrapped by it. The old file opens old backups, nothing else.

    Returns the new file. Raises KeyringError, OSError.
    """
    _one_at_a_time(sql)
    keys = _unwrapped(sql, folder)
    number = max(_numbers(folder)) + 1
    path = folder / f"clinic-{number}.kek"
    kek = key_files.load_or_create(path)
    for key in keys:
        change = sa.update(DATA_KEYS).where(DATA_KEYS.c.id == key.id)
        sql.execute(change.values(wrapped=_wrap(kek, key), kek_id=kek_id(kek)))
    return path


def kek_id(kek: bytes) -> str:
    """A name by which the table and messages tell key-encryption keys apart; tells nothing else."""
    return derived(kek, b"telemed key id")[:8].hex()


def _unwrapped(sql: Connection, folder: Path) -> list[DataKey]:
    keks = {kek_id(kek): kek for kek in (_load_kek(folder, each) for each in _numbers(folder))}
    return [_unwrap(keks, row, folder) for row in _rows(sql)]


def _unwrap(keks: Mapping[str, bytes], row: sa.Row[tuple[object, ...]], folder: Path) -> DataKey:
    kek = keks.get(row.kek_id)
    if kek is None:
        held = ", ".join(sorted(keks)) or "none"
        raise KeyringError(
            f"This database was sealed with the key {row.kek_id}, which is not in {folder} "
            f"(there: {held}). Put the key file that belongs to this database back there."
        )
    try:
        secret = sealing.unseal(AESGCM(kek), _PLACE, _row_id(row.id, row.purpose), row.wrapped)
    except (InvalidTag, ValueError):
        raise KeyringError(f"The key {row.id} in the table data_keys is damaged.") from None
    return DataKey(row.id, row.purpose, secret)


_PLACE = "data_keys.wrapped"


def _wrap(kek: bytes, key: DataKey) -> bytes:
    return sealing.seal(AESGCM(kek), 0, _PLACE, _row_id(key.id, key.purpose), key.secret)


def _row_id(key_id: int, purpose: str) -> str:
    return f"{key_id}:{purpose}"


def _insert(sql: Connection, kek: bytes, key: DataKey, now: datetime) -> None:
    sql.execute(
        sa.insert(DATA_KEYS).values(
            id=key.id,
            purpose=key.purpose,
            wrapped=_wrap(kek, key),
            kek_id=kek_id(kek),
            created_at=now,
        )
    )


def _rows(sql: Connection) -> list[sa.Row[tuple[object, ...]]]:
    return list(sql.execute(sa.select(DATA_KEYS).order_by(DATA_KEYS.c.id)))


def _newest(folder: Path) -> bytes:
    """The key-encryption key in force, made where there is none."""
    number = max(_numbers(folder), default=1)
    return key_files.load_or_create(folder / f"clinic-{number}.kek")


def _load_kek(folder: Path, number: int) -> bytes:
    return key_files.load(folder / f"clinic-{number}.kek")


def _numbers(folder: Path) -> list[int]:
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted(int(found[1]) for name in names if (found := _KEK_NAME.fullmatch(name)))


def _one_at_a_time(sql: Connection) -> None:
    """Other processes wait until this transaction ends; SQLite's writer has the lock anyway."""
    if sql.dialect.name == "postgresql":
        sql.execute(sa.select(sa.func.pg_advisory_xact_lock(OPENING_LOCK)))
