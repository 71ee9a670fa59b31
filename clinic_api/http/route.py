"""One operation of the HTTP API: where it is, what it runs, what it takes and gives.

Features export `ROUTES`; nothing else describes an operation, so the server, the OpenAPI document
and the walk over all permissions read the same table. `run` is a guarded service, or a *flow* where
slow work stands between two transactions. Its command is one Struct, whose fields are filled

- from the path's parameters of the same names,
- `version` from If-Match,
- the others from the query for GET and DELETE, from the JSON body otherwise.

A route with `before_file` takes one file in a form (multipart/form-data) behind the fields:
`before_file` says whether it may come at all, then `run` gets it as its fourth argument, on disk.
With `remade` a small file is held in memory, and what that makes of it goes to disk.
A route whose result is a `GivenFile` sends the file itself, one whose result is `Streamed` what is
made meanwhile; `media_type` says of what type.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    get_origin,
    get_type_hints,
)

import msgspec

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.files.model import GivenFile, Streamed
from clinic_api.guarded import action_of

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Run = Callable[..., Any]  # (Transaction | Database, Actor, command) → result, awaited for flows
P = ParamSpec("P")
R = TypeVar("R")
Flow = Callable[Concatenate[Database, Actor, P], Awaitable[R]]  # positional

MAX_BODY_BYTES = 64 * 1024
_PARAMETER = re.compile(r"\{(\w+)\}")
_PATH = re.compile(r"(/([a-z0-9.-]+|\{[a-z_]+\}))+")

FLOWS: dict[str, str] = {}  # module.function → action


class WithSession(msgspec.Struct, Generic[R], frozen=True):
    """A flow's result that opens a session by its `token`, or with None ends the present one."""

    result: R
    token: str | None


def flow(action: str) -> Callable[[Flow[P, R]], Flow[P, R]]:
    """Declare the action of a flow. Raises KeyError for one that is not in the table."""
    ACTIONS[action]

    def declare(function: Flow[P, R]) -> Flow[P, R]:
        FLOWS[_name_of(function)] = action
        return function

    return declare


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """A small file that is kept as `make` makes it anew; which may raise `NotAccepted`."""

    media_types: tuple[str, ...]
    make: Callable[[bytes], bytes]


class Route:
    """`result` is the Struct that `run` gives (inside of `WithSession` too); None answers 204."""

    def __init__(
        self,
        method: Method,
        path: str,  # below /api/v1
        run: Run,
        command: type[msgspec.Struct],
        result: Any,
        *,
        status: int = 200,
        summary: str = "",
        max_body_bytes: int = MAX_BODY_BYTES,
        before_file: Run | None = None,
        remade: Remade | None = None,
        media_type: str = "",
    ) -> None:
        """Raises KeyError for an undeclared `run`, ValueError for what does not fit together."""
        self.method = method
        self.path = path
        self.run = run
        self.command = command
        self.result = result
        self.status = 204 if result is None else status
        self.summary = summary or _first_sentences(run)
        self.max_body_bytes = max_body_bytes  # of the file alone, where one is taken
        self.before_file = before_file
        self.media_type = media_type  # of what is streamed
        self.remade = remade
        self.is_flow = _name_of(run) in FLOWS
        self.action = FLOWS[_name_of(run)] if self.is_flow else action_of(run)
        self.opens_session = get_origin(get_type_hints(run).get("return")) is WithSession
        self.path_fields = tuple(_PARAMETER.findall(path))
        self._check()
        self.sent = _without(command, frozenset({*self.path_fields, "version"}))

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def needs_version(self) -> bool:
        """Whether If-Match has to be sent."""
        return "version" in self.command.__struct_fields__

    @property
    def gives_file(self) -> bool:
        """Whether it answers with a file, not with JSON."""
        return self.result is GivenFile

    @property
    def gives_stream(self) -> bool:
        """Whether it answers with something that is made while it is sent."""
        return self.result is Streamed

    @property
    def has_body(self) -> bool:
        """Whether `sent` is read from a body, else it is read from the query."""
        return self.method not in {"GET", "DELETE"} and bool(self.sent.__struct_fields__)

    @property
    def takes_key(self) -> bool:
        """Whether an Idempotency-Key counts; what opens a session or streams is never kept."""
        return self.method == "POST" and not (self.opens_session or self.gives_stream)

    def _check(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"{self}: not a path")
        unknown = set(self.path_fields) - set(self.command.__struct_fields__)
        if unknown:
            raise ValueError(f"{self}: {self.command.__name__} has no {', '.join(sorted(unknown))}")
        if self.method == "GET" and self.needs_version:
            raise ValueError(f"{self}: what only reads needs no version")
        if self.command.__struct_encode_fields__ != self.command.__struct_fields__:
            raise ValueError(f"{self}: fields are called outside as they are inside")
        if self.before_file is not None and action_of(self.before_file) != self.action:
            raise ValueError(f"{self}: what comes before the file is of another action")
        if self.is_flow != inspect.iscoroutinefunction(self.run):
            raise ValueError(f"{self}: flows are async functions, services are not")


@cache
def _without(command: type[msgspec.Struct], elsewhere: frozenset[str]) -> type[msgspec.Struct]:
    """A Struct of the command's fields that come from the query or the body."""
    fields = [
        (field.name, field.type, _default_of(field))
        for field in msgspec.structs.fields(command)
        if field.name not in elsewhere
    ]
    return msgspec.defstruct(
        command.__name__,
        fields,
        namespace={"__doc__": command.__doc__},
        module=command.__module__,
        frozen=True,
        kw_only=True,
    )


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default


def _name_of(function: Run) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _first_sentences(run: Run) -> str:
    text = inspect.getdoc(run) or run.__qualname__.replace("_", " ").capitalize()
    return " ".join(text.split()).partition(" Raises")[0]
