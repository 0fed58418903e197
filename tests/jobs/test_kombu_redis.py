"""The broker's clients are made once, and again when their pool has gone."""

from __future__ import annotations

import gc

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis

from tests.services import free_port
from traceability.celery import app
from traceability.lib import kombu_redis


def test_celery_speaks_to_redis_by_it(redis_server: str) -> None:
    for url in (redis_server, "redis://127.0.0.1:6379/0"):
        connection = app.connection_for_read(url)
        assert connection.get_transport_cls() is kombu_redis.Transport


def test_a_client_lasts_as_long_as_its_pool(redis: Redis, redis_server: str) -> None:
    with Connection(redis_server) as connection:
        channel = connection.default_channel
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        channel._disconnect_pools()
        with channel.conn_or_acquire() as third:
            assert third is not first
            assert third.connection_pool is channel.pool
            assert third.ping()


def test_what_waits_for_messages_has_a_connection_of_its_own(
    redis: Redis, redis_server: str
) -> None:
    with Connection(redis_server) as connection:
        channel = connection.default_channel
        waiting = channel._create_client(asynchronous=True)
        assert waiting is not channel._create_client()
        assert waiting.connection_pool is not channel.pool


def test_what_is_in_hand_when_a_connection_is_lost_is_acknowledged_later(
    redis: Redis, redis_server: str
) -> None:
    with Connection(redis_server) as connection:
        queue = connection.SimpleQueue("work")
        queue.put("first")
        message = queue.get()
        connection.collect()  # as the worker does then
        assert (redis.hlen("unacked"), redis.llen("work")) == (1, 0)
        message.ack()
        assert not redis.hlen("unacked")


def test_a_lost_connection_leaves_no_socket_open(
    redis: Redis, redis_server: str
) -> None:
    before = _clients(redis)  # other tests' among them
    connection = Connection(redis_server)
    transport = connection.transport  # as Celery's loop does, this test keeps it
    pool = connection.default_channel.pool  # closed by its channel, not as garbage
    queue = connection.SimpleQueue("work")
    queue.put("first")
    queue.get().ack()
    mine = _clients(redis) - before
    assert mine
    connection.collect()
    del connection, queue
    gc.collect()
    assert not mine & _clients(redis), (transport, pool)


def test_a_connection_is_made_again_after_one_that_was_lost(
    redis: Redis, redis_server: str
) -> None:
    with Connection(redis_server) as connection:
        for text in ("first", "second"):
            with connection.SimpleQueue("work") as queue:
                queue.put(text)
                assert queue.get().payload == text
            connection.collect()
    assert redis.hlen("unacked") == 2


def test_a_redis_that_is_away_is_asked_every_second() -> None:
    pauses: list[float] = []

    def note(_: Exception, pause: float) -> None:
        pauses.append(pause)

    connection = app.connection_for_read(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(OperationalError):
        connection.ensure_connection(note, 4)
    assert len(pauses) == 4
    assert max(pauses) <= 1


def _clients(redis: Redis) -> set[str]:
    return {one["id"] for one in redis.client_list()}
