"""What every table shares: the metadata, the time type, the columns of a row.

Features define their tables in their `store.py` with `table(name, …)`; `data_classes.py` says of
each column whether it is sealed, indexed or clear.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Integer, MetaData, String, Table
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

ID_CHARS = 36
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An instant: an aware UTC datetime in Python, microseconds since 1970 on disk.

    The same on both engines, sorts as a number, and no driver has an opinion about zones.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def id_column(name: str, **options: Any) -> Column[str]:
    """An id of ours, or a reference to one."""
    return Column(name, String(ID_CHARS), **options)


def table(name: str, *items: SchemaItem) -> Table:
    """A table of rows that have an owner, a version, and a record of who wrote them when."""
    return Table(
        name,
        metadata,
        id_column("id", primary_key=True),
        id_column("org_id", nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("created_by", String(80), nullable=False),
        Column("updated_at", Moment, nullable=False),
        Column("updated_by", String(80), nullable=False),
        *items,
    )
