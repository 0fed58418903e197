"""`keys`: show, rotate and revoke the keys that sign. Secrets are never shown."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from inference_worker.commands.arguments import MOST_DAYS, whole
from inference_worker.commands.sign import row, show
from inference_worker.engine import clock, resigning
from inference_worker.engine.api import data_folder
from inference_worker.engine.ed25519 import PrivateKey, kid_of
from inference_worker.engine.errors import KeyRingError
from inference_worker.engine.keyring import ED25519, HMAC, REQUIREMENTS, KeyRing

WINDOW_DAYS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _action(actions, "list", "every key, and what it is good for")
    rotate = _action(actions, "rotate", "a new key signs; all is signed anew")
    rotate.add_argument(
        "--window-days",
        type=whole(0, MOST_DAYS),
        default=WINDOW_DAYS,
        metavar="N",
        help=f"how long the old ones still verify; default: {WINDOW_DAYS}",
    )
    rotate.add_argument("--private", type=Path, metavar="FILE")
    revoke = _action(actions, "revoke", "trust a key no more, at once")
    revoke.add_argument("kid", metavar="KEY")
    pair = _action(actions, "pair", "make an Ed25519 key and let it verify here")
    pair.add_argument("private", type=Path, metavar="FILE", help="for the private key")
    trust = _action(actions, "trust", "let another machine's Ed25519 key verify here")
    trust.add_argument("public", metavar="PUBLIC", help="64 hex digits, from `list`")
    require = _action(actions, "require", "load nothing without that signature")
    require.add_argument("algorithm", choices=REQUIREMENTS)


def run(args: argparse.Namespace) -> int:
    action = args.action
    if action == "list":
        _show_ring(as_json=args.json)
    elif action == "rotate":
        return _rotate(args)
    elif action == "revoke":
        resigning.revoke(data_folder(), args.kid)
        _show_ring(as_json=args.json)
    elif action == "require":
        resigning.require(data_folder(), args.algorithm)
    else:
        _trust(args)
    return 0


def _rotate(args: argparse.Namespace) -> int:
    """Exit 1 when something did not verify before, and so was not signed."""
    private = PrivateKey.load(args.private) if args.private else None
    done = resigning.rotate(data_folder(), args.window_days, private)
    rows = [row(one) for one in done.resigned]
    if args.json:
        told = {"active": done.kid, "dropped": list(done.dropped), "signed": rows}
        print(json.dumps(told))
    else:
        print("active", done.kid)
        show(rows, as_json=False)
    return int(any(one.error for one in done.resigned))


def _trust(args: argparse.Namespace) -> None:
    if args.action == "pair":
        _refuse_inside(args.private)
        public = PrivateKey.create(args.private).public
    else:
        if not re.fullmatch("[0-9a-f]{64}", args.public):
            raise KeyRingError("a public key has 64 hex digits", "See: keys list")
        public = bytes.fromhex(args.public)
    resigning.trust(data_folder(), public, kid_of(public))
    told = {"kid": kid_of(public), "public": public.hex()}
    print(json.dumps(told) if args.json else " ".join(told.values()))


def _refuse_inside(path: Path) -> None:
    """The workers read the data folder; the private key is not for them."""
    if path.resolve().is_relative_to(data_folder().resolve()):
        raise KeyRingError(
            f"{path} is in the data folder",
            "Keep the private key on the machine that builds, outside of it.",
        )


def _show_ring(*, as_json: bool) -> None:
    rows = _rows(KeyRing.load(data_folder()))
    if as_json:
        print(json.dumps(rows))
        return
    lines = [list(rows[0]), *(list(map(_said, row.values())) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        words = (word.ljust(width) for word, width in zip(line, widths, strict=True))
        print("  ".join(words).rstrip())


def _said(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "-"


def _rows(ring: KeyRing) -> list[dict[str, Any]]:
    signing = [_row(ring, kid, HMAC, None) for kid in ring.keys]
    public = [_row(ring, kid, ED25519, key.hex()) for kid, key in ring.public.items()]
    gone = [_row(ring, kid, None, None) for kid in ring.revoked]
    return signing + public + gone


def _row(
    ring: KeyRing, kid: str, algorithm: str | None, public: str | None
) -> dict[str, Any]:
    return {
        "kid": kid,
        "algorithm": algorithm,
        "status": _status(ring, kid),
        "required": algorithm == ring.require,
        "not_after": ring.not_after.get(kid),
        "revoked": ring.revoked.get(kid),
        "public": public,
    }


def _status(ring: KeyRing, kid: str) -> str:
    if kid in ring.revoked:
        return "revoked"
    if kid == ring.active:
        return "active"
    return "expired" if ring.not_after.get(kid, "~") < clock.now() else "verifies"


def _action(actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary
    )
    parser.add_argument("--json", action="store_true", help="JSON instead of words")
    return parser
