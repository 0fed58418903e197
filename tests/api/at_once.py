"""Requests sent at once, each from a thread and on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


def closing(send: Callable[P, T]) -> Callable[P, T]:
    """The same, which closes its thread's connection: a test's database is dropped."""

    def sent(*args: P.args, **options: P.kwargs) -> T:
        try:
            return send(*args, **options)
        finally:
            connection.close()

    return sent


def answers(send: Callable[[Item], T], each: Iterable[Item]) -> set[T]:
    """The unlike answers to `each`, eight of which are sent at a time."""
    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(closing(send), each))
