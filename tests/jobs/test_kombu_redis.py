"""The broker's clients are made once, and again when their pool has gone."""

from __future__ import annotations

from kombu import Connection
from redis import Redis

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
