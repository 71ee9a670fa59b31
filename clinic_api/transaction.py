"""One unit of work: SQL on one connection, one time, and what has to be audited.

Services are plain functions `(tx, actor, command) → result`. The organisation's filter, row
versions and authorship are here, in one place: stores use `select`, `insert` and `update` of the
transaction, never SQLAlchemy's own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, Connection, Row, Select, Table

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.ids import new_id


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the audit: ids and codes only, never a name or a text."""

    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    outcome: str  # done | refused
    object_kind: str = ""
    object_id: str = ""
    patient_id: str = ""
    client: str = ""
    detail: dict[str, str] = {}


class Keys(Protocol):
    """What the clinic needs of the keyring."""

    @property
    def current(self) -> int:
        """The id of the key that seals new files."""

    def file_key(self, key_id: int, salt: bytes) -> bytes:
        """The key of one sealed file. Raises KeyError."""

    def seal(self, place: str, row_id: str, text: bytes) -> bytes:
        """Encrypt; `place` is table.column. The same place and row are needed to unseal."""

    def unseal(self, place: str, row_id: str, sealed: bytes) -> bytes:
        """Raises KeyError or InvalidTag where the row was moved or its key is gone."""

    def index(self, place: str, text: str) -> bytes:
        """A keyed hash for equality search."""

    def token(self, purpose: str, *parts: str) -> str:
        """160 bits in base64url for links, made anew from the same parts, never stored."""


class Transaction:
    """Made by `Database.read` and `Database.write` only."""

    def __init__(
        self,
        sql: Connection,
        org_id: str,
        now: datetime,
        keys: Keys,
        public_url: str = "",
        sends_mail: bool = False,
    ) -> None:
        """`public_url` is scheme, host and port that people open: links begin with it. Without
        `sends_mail` staff hand messages over, so no mail may be promised."""
        self.sql = sql
        self.org_id = org_id
        self.now = now
        self.keys = keys
        self.public_url = public_url
        self.sends_mail = sends_mail
        self.action = ""  # of the service that runs, for `note`
        self._ids = 0
        self.audits: list[AuditRecord] = []
        self.after_commit: list[Callable[[], None]] = []

    def new_id(self) -> str:
        """Ids of one transaction sort in the order in which they were made."""
        self._ids += 1
        return new_id(self.now, self._ids)

    # rows

    def select(self, table: Table, *columns: Any) -> Select[Any]:
        """Rows of this organisation; add `where`, `order_by` and so on."""
        return sa.select(*(columns or (table,))).where(table.c.org_id == self.org_id)

    def all(self, query: Select[Any]) -> list[Row[Any]]:
        return list(self.sql.execute(query))

    def first(self, query: Select[Any]) -> Row[Any] | None:
        return self.sql.execute(query.limit(1)).first()

    def get(self, table: Table, row_id: str) -> Row[Any] | None:
        return self.first(self.select(table).where(table.c.id == row_id))

    def insert(self, table: Table, actor: Actor, **values: Any) -> str:
        """Returns the new row's id; `id` may be given, where a column was sealed for it."""
        row_id = str(values.pop("id", "") or self.new_id())
        shared = {"org_id": self.org_id, "version": 1}
        written = {"created_at": self.now, "created_by": actor.label}
        written |= {"updated_at": self.now, "updated_by": actor.label}
        self.sql.execute(sa.insert(table).values(id=row_id, **shared, **written, **values))
        return row_id

    def update(
        self, table: Table, actor: Actor, row_id: str, version: int | None = None, **values: Any
    ) -> int:
        """Returns the new version. Raises Refused: stale if `version` is not the row's any more,
        not_found if there is no such row."""
        change = sa.update(table).where(table.c.org_id == self.org_id, table.c.id == row_id)
        if version is not None:
            change = change.where(table.c.version == version)
        change = change.values(
            version=table.c.version + 1, updated_at=self.now, updated_by=actor.label, **values
        )
        done = self.sql.execute(change.returning(table.c.version)).scalar()
        if done is None:
            raise Refused("stale" if self.get(table, row_id) else "not_found")
        return int(done)

    # sealed columns

    def seal(self, column: Column[Any], row_id: str, text: str) -> bytes:
        return self.keys.seal(str(column), row_id, text.encode())

    def unseal(self, column: Column[Any], row_id: str, sealed: bytes) -> str:
        return self.keys.unseal(str(column), row_id, bytes(sealed)).decode()

    def index(self, column: Column[Any], text: str) -> bytes:
        return self.keys.index(str(column), text)

    # audit

    def note(
        self,
        actor: Actor,
        object_kind: str = "",
        object_id: str = "",
        *,
        patient_id: str = "",
        action: str = "",
        **detail: str,
    ) -> None:
        """What the running service did, to be appended before the commit."""
        self.audits.append(
            AuditRecord(
                at=self.now,
                actor_kind=actor.kind,
                actor_id=actor.id,
                action=action or self.action,
                outcome="done",
                object_kind=object_kind,
                object_id=object_id,
                patient_id=patient_id,
                client=actor.client,
                detail=detail,
            )
        )
