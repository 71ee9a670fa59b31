"""Lists in pages: by a position, not a number of rows to skip, so that none comes twice or never.

A cursor carries the position of the last row that was given and a code that only this installation
can make, for this list alone; what was changed on the way is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Row, Select, Table

from clinic_api.errors import Refused
from clinic_api.transaction import Transaction

MAX_ITEMS = 100
DEFAULT_ITEMS = 50
CURSOR_CHARS = 400
Limit = Annotated[int, Meta(ge=1, le=MAX_ITEMS)]
Cursor = Annotated[str, Meta(max_length=CURSOR_CHARS)]

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SEPARATOR = "\n"


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list; `next` is the cursor of the part after it, None on the last."""

    items: tuple[T, ...]
    next: str | None = None


def page(
    tx: Transaction,
    table: Table,
    query: Select[Any],
    item: Callable[[Row[Any]], T],
    *,
    cursor: str = "",
    limit: int = DEFAULT_ITEMS,
    newest_first: bool = False,
) -> Page[T]:
    """The rows of `query` over `table` after `cursor`, by time of creation, each made an `item`.

    `query` comes from `tx.select(table)`, unordered. Raises Refused(invalid) for a cursor that is
    not one of this list.
    """
    place = sa.tuple_(table.c.created_at, table.c.id)
    scope = f"{table.name} {'newest' if newest_first else 'oldest'}"
    if cursor:
        at, row_id = _position(tx, scope, cursor)
        here = sa.tuple_(sa.literal(at, table.c.created_at.type), sa.literal(row_id))
        query = query.where(place < here if newest_first else place > here)
    columns = [table.c.created_at, table.c.id]
    order = [column.desc() for column in columns] if newest_first else columns
    rows = tx.all(query.order_by(*order).limit(limit + 1))
    more = len(rows) > limit
    items = tuple(item(row) for row in rows[:limit])
    return Page(items, _next(tx, scope, rows[limit - 1]) if more else None)


def cursor_of(tx: Transaction, scope: str, *position: str) -> str:
    """The cursor of a position in the list `scope`, for lists that have their own order."""
    mac = tx.keys.token("cursor", scope, *position)
    text = _SEPARATOR.join((*position, mac)).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def position_of(tx: Transaction, scope: str, cursor: str) -> tuple[str, ...]:
    """The position in a cursor of the same scope. Raises Refused(invalid)."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        *position, mac = base64.urlsafe_b64decode(padded).decode().split(_SEPARATOR)
    except (ValueError, binascii.Error):
        raise _not_ours() from None
    if not hmac.compare_digest(mac.encode(), tx.keys.token("cursor", scope, *position).encode()):
        raise _not_ours()
    return tuple(position)


def _next(tx: Transaction, scope: str, row: Row[Any]) -> str:
    return cursor_of(tx, scope, str((row.created_at - _EPOCH) // _MICROSECOND), row.id)


def _position(tx: Transaction, scope: str, cursor: str) -> tuple[datetime, str]:
    microseconds, row_id = position_of(tx, scope, cursor)
    return _EPOCH + timedelta(microseconds=int(microseconds)), row_id


def _not_ours() -> Refused:
    return Refused("invalid", fields={"cursor": "This is not a place in this list."})
