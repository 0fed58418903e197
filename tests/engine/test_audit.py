"""The log of what was done to keys and releases: whole, or told where it is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest

from benchmarks.signing.site import Site
from inference_worker.engine import audit, history, resigning
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.errors import AuditBroken
from inference_worker.engine.keyring import ED25519
from tests.engine.signed import log, ring


def test_what_was_done_is_in_the_log(site: Site, private: PrivateKey) -> None:
    resigning.resign(site.data, private)
    resigning.rotate(site.data, 30, private)
    resigning.require(site.data, ED25519)
    resigning.revoke(site.data, private.kid)
    events = [entry["event"] for entry in log(site)]
    assert [event for event in events if event != history.SEEN] == [
        "trust",
        "sign",
        "rotate",
        "require",
        "revoke",
    ]
    assert all(entry["by"] and entry["at"] for entry in log(site))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: lines[:1] + lines[2:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0].replace(b'"by":"', b'"by":"x'), *lines[1:]],
        lambda lines: [*lines[:-1], lines[-1].replace(b'"by":"', b'"by":"x')],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines, b"{}"],
        lambda lines: [*lines, b"no JSON"],
        lambda lines: [],
    ],
)
def test_a_line_that_was_changed_or_taken_out_is_seen(
    site: Site, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = site.data / audit.FILE
    log(site)
    lines = change(path.read_bytes().splitlines())
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(AuditBroken):
        log(site)


def test_a_line_by_a_key_that_nobody_has_is_seen(site: Site) -> None:
    path = site.data / audit.FILE
    last = path.read_bytes().splitlines()[-1]
    forged = json.loads(last) | {
        "number": len(log(site)) + 1,
        "before": hashlib.sha256(last).hexdigest(),
        "kid": "ffffffff",
    }
    with path.open("ab") as file:
        file.write(json.dumps(forged).encode() + b"\n")
    with pytest.raises(AuditBroken, match="vouches"):
        log(site)


def events(site: Site) -> list[str]:
    return [entry["event"] for entry in log(site)]


@pytest.mark.parametrize("left", [b'{"at":', b"\0" * 40, b'{"at":"2026"}, {'])
def test_a_line_that_a_crash_cut_short_is_told_and_the_others_are_read(
    site: Site, left: bytes
) -> None:
    path = site.data / audit.FILE
    before = events(site)
    path.write_bytes(path.read_bytes() + left)
    assert events(site) == [*before, audit.CUT_SHORT]
    resigning.rotate(site.data, window_days=1)
    after = events(site)
    assert after[: len(before) + 1] == [*before, audit.CUT_SHORT]
    assert "rotate" in after[len(before) + 1 :]
    numbers = [entry["number"] for entry in log(site)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_two_crashes_in_a_row_are_two_lines(site: Site) -> None:
    path = site.data / audit.FILE
    path.write_bytes(path.read_bytes() + b'{"at":\n{"at":"2')
    resigning.rotate(site.data, window_days=1)
    assert events(site).count(audit.CUT_SHORT) == 2


def test_a_line_whose_end_alone_is_missing_is_whole(site: Site) -> None:
    path = site.data / audit.FILE
    before = events(site)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert events(site) == before
    resigning.rotate(site.data, window_days=1)
    assert audit.CUT_SHORT not in events(site)


@pytest.mark.parametrize("again", [False, True])
def test_a_line_that_had_been_written_was_not_cut_by_a_crash(
    site: Site, again: bool
) -> None:
    path = site.data / audit.FILE
    lines = path.read_bytes().splitlines()
    path.write_bytes(path.read_bytes()[: -len(lines[-1]) // 2])
    if again:
        resigning.rotate(site.data, window_days=1)
    with pytest.raises(AuditBroken, match=f"line {len(lines)} of the audit log is no"):
        log(site)


def test_what_a_crash_left_cannot_be_exchanged_or_taken_out(site: Site) -> None:
    path = site.data / audit.FILE
    path.write_bytes(path.read_bytes() + b'{"at":')
    resigning.rotate(site.data, window_days=1)
    good = path.read_bytes()
    for other in (b'{"at":"', b""):
        path.write_bytes(good.replace(b'{"at":\n', other + b"\n" * bool(other)))
        with pytest.raises(AuditBroken):
            log(site)


def test_lines_of_keys_that_are_gone_are_vouched_for_by_later_ones(site: Site) -> None:
    old = ring(site).active
    resigning.rotate(site.data, window_days=1)
    resigning.revoke(site.data, old)
    assert {entry["kid"] for entry in log(site)} >= {old, ring(site).active}
    path = site.data / audit.FILE
    path.write_bytes(path.read_bytes().replace(b'"seen"', b'"sean"', 1))
    with pytest.raises(AuditBroken):
        log(site)
