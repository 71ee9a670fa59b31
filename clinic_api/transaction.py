"""One unit of work: SQL on one connection, one time, and what has to be audited.

Services are plain functions `(tx, actor, command) → result`. The organisation's filter, row
versions and authorship are here, in one place: stores use `select`, `insert` and `update` of the
transaction, never SQLAlchemy's own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, Connection, Row, Select, Table, bindparam
from sqlalchemy.sql.dml import ReturningUpdate

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


def prepared(table: Table, *columns: Any) -> Select[Any]:
    """As `Transaction.select`, to be made once and run by `all_of` and `first_of`.

    To make a statement takes longer than to run it (150 against 30 µs of CPU), so what each request
    reads is prepared where its table is; values are `bindparam`s.
    """
    return sa.select(*(columns or (table,))).where(table.c.org_id == bindparam("own_org_id"))


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

    def all_of(self, query: Select[Any] | sa.CompoundSelect[Any], **values: Any) -> list[Row[Any]]:
        """Of a prepared query."""
        return list(self.sql.execute(query, values | {"own_org_id": self.org_id}))

    def first_of(self, query: Select[Any], **values: Any) -> Row[Any] | None:
        """Of a prepared query, which limits itself."""
        return self.sql.execute(query, values | {"own_org_id": self.org_id}).first()

    def get(self, table: Table, row_id: str) -> Row[Any] | None:
        return self.first_of(_by_id(table), wanted_id=row_id)

    def insert(self, table: Table, actor: Actor, **values: Any) -> str:
        """Returns the new row's id; `id` may be given, where a column was sealed for it."""
        row_id = str(values.pop("id", "") or self.new_id())
        shared = {"org_id": self.org_id, "version": 1}
        written = {"created_at": self.now, "created_by": actor.label}
        written |= {"updated_at": self.now, "updated_by": actor.label}
        self.sql.execute(_insert(table), {"id": row_id, **shared, **written, **values})
        return row_id

    def update(
        self, table: Table, actor: Actor, row_id: str, version: int | None = None, **values: Any
    ) -> int:
        """Returns the new version. Raises Refused: stale if `version` is not the row's any more,
        not_found if there is no such row."""
        change = _update(table, version is not None)
        known: dict[str, Any] = {"own_org_id": self.org_id, "wanted_id": row_id}
        known |= {} if version is None else {"wanted_version": version}
        written = {"updated_at": self.now, "updated_by": actor.label}
        done = self.sql.execute(change, known | written | values).scalar()
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


# statements, made once for each table and set of columns


@cache
def _by_id(table: Table) -> Select[Any]:
    return prepared(table).where(table.c.id == bindparam("wanted_id")).limit(1)


@cache
def _insert(table: Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _update(table: Table, versioned: bool) -> ReturningUpdate[Any]:
    """Sets the columns that are given when it is run."""
    change = sa.update(table).where(
        table.c.org_id == bindparam("own_org_id"), table.c.id == bindparam("wanted_id")
    )
    if versioned:
        change = change.where(table.c.version == bindparam("wanted_version"))
    return change.values(version=table.c.version + 1).returning(table.c.version)
