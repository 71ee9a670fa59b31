"""Claiming one port number for HTTPS over TCP and for media over UDP.

The supervisor keeps the TCP sockets open for as long as it lives: while a front restarts, people
wait in the queue instead of being turned away. The UDP port is only tried here; the media worker
binds it itself.
"""

from __future__ import annotations

import errno
import socket

from telemed_media.reach import EVERY, EVERY_IPV4, Reach, ReachError

BACKLOG = 512
ATTEMPTS = 32


def claim_port(reach: Reach, port: int) -> tuple[int, list[socket.socket]]:
    """The port number and the listening sockets; port 0 takes a number free on every address.

    Raises ReachError when the port is taken or an address is not this machine's.
    """
    if port:
        return port, _claim(reach, port)
    for _ in range(ATTEMPTS):
        try:
            sockets = _claim(reach, 0)
        except ReachError as error:
            last = error
        else:
            return sockets[0].getsockname()[1], sockets
    raise last


def claim_tcp_port(reach: Reach, port: int) -> list[socket.socket]:
    """Listening sockets on one more port. Raises ReachError where it is taken."""
    opened: list[socket.socket] = []
    try:
        for address in reach.tcp:
            opened.append(_listen(address, port))
    except ReachError:
        for each in opened:
            each.close()
        raise
    return opened


def _claim(reach: Reach, port: int) -> list[socket.socket]:
    """All sockets on one number, or none. TCP decides which; UDP has to have the same one."""
    opened: list[socket.socket] = []
    try:
        for address in reach.tcp:
            opened.append(_listen(address, port))
            port = opened[0].getsockname()[1]
        for address in reach.udp:
            _bind(socket.SOCK_DGRAM, address, port).close()
    except ReachError:
        for each in opened:
            each.close()
        raise
    return opened


def _listen(address: str, port: int) -> socket.socket:
    try:
        bound = _bind(socket.SOCK_STREAM, address, port)
    except ReachError as error:
        missing = isinstance(error.__cause__, OSError) and error.__cause__.errno in (
            errno.EAFNOSUPPORT,
            errno.EADDRNOTAVAIL,
        )
        if address != EVERY or not missing:
            raise
        bound = _bind(socket.SOCK_STREAM, EVERY_IPV4, port)  # a machine without IPv6
    bound.listen(BACKLOG)
    return bound


def _bind(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    transport = "TCP" if kind is socket.SOCK_STREAM else "UDP"
    try:
        return _bound_socket(kind, address, port)
    except OSError as error:
        raise ReachError(
            f"{transport} port {port} on {address} cannot be used: {error.strerror}."
        ) from error


def _bound_socket(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    fresh = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            fresh.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != EVERY)
        fresh.bind((address, port))
        fresh.setblocking(False)
    except OSError:
        fresh.close()
        raise
    return fresh
