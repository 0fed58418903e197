"""Ways to tamper with engines and models, each with the code that refuses it."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.signing.site import (
    BEFORE,
    HERE,
    OTHER,
    OTHER_VERSION,
    Site,
    plan,
)
from inference_worker.engine import resigning
from inference_worker.engine.keyring import ED25519, FILE, KeyRing
from inference_worker.engine.signing import sign

LONG_AGO = "2020-01-01T00:00:00Z"
Variant = Callable[[random.Random, Site, Path], str]
"""Changes the site, of which `folder` is the thing attacked; returns the code."""

_KID = slice(12, 20)


def flip(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return _altered(path, bytes(content))


def cut(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])
    return _altered(path)


def append(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randint(1, 40)))
    return _altered(path)


def overwrite(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    content[at : at + 16] = rng.randbytes(len(content[at : at + 16]))
    if bytes(content) == path.read_bytes():
        content[at] ^= 0x80
    path.write_bytes(content)
    return _altered(path, bytes(content))


def swap_one(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    shutil.copy(_other(rng, folder) / path.name, path)
    return _altered(path)


def swap_manifest(rng: random.Random, site: Site, folder: Path) -> str:
    other = _other(rng, folder)
    for name in ("manifest.json", "manifest.sig"):
        shutil.copy(other / name, folder / name)
    return "manifest_misplaced"


def swap_folder(rng: random.Random, site: Site, folder: Path) -> str:
    other = _other(rng, folder)
    for path in folder.iterdir():
        if path.is_file():
            shutil.copy(other / path.name, path)
    return "manifest_misplaced"


def swap_kind(rng: random.Random, site: Site, folder: Path) -> str:
    """A version's manifest for an engine's, or the other way round."""
    other = site.version if folder == site.engine else site.engine
    for name in ("manifest.json", "manifest.sig"):
        shutil.copy(other / name, folder / name)
    return "manifest_invalid"


def unsigned(rng: random.Random, site: Site, folder: Path) -> str:
    (folder / "manifest.sig").unlink()
    return "signature_missing"


def signed_by_a_stranger(rng: random.Random, site: Site, folder: Path) -> str:
    kid = f"{rng.getrandbits(32):08x}"
    stranger = KeyRing(kid, {kid: rng.randbytes(32)})
    text = (folder / "manifest.json").read_bytes()
    (folder / "manifest.sig").write_bytes(sign(text, stranger))
    return "key_unknown"


def signed_by_a_stranger_in_our_name(
    rng: random.Random, site: Site, folder: Path
) -> str:
    kid = KeyRing.load(site.data).active
    text = (folder / "manifest.json").read_bytes()
    forged = sign(text, KeyRing(kid, {kid: rng.randbytes(32)}))
    (folder / "manifest.sig").write_bytes(forged)
    return "signature_wrong"


def revoked(rng: random.Random, site: Site, folder: Path) -> str:
    resigning.revoke(site.data, KeyRing.load(site.data).active)
    return "key_revoked"


def key_too_old(rng: random.Random, site: Site, folder: Path) -> str:
    ring = KeyRing.load(site.data)
    new = replace(
        ring,
        active="0000000a",
        keys={**ring.keys, "0000000a": rng.randbytes(32)},
        not_after={ring.active: LONG_AGO},
    )
    new.save(site.data)
    return "key_expired"


def weak(rng: random.Random, site: Site, folder: Path) -> str:
    replace(KeyRing.load(site.data), require=ED25519).save(site.data)
    return "signature_weak"


def linked(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    aside = site.data / "aside"
    path.rename(aside)
    path.symlink_to(aside)
    return "file_not_plain"


def pipe(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    path.unlink()
    os.mkfifo(path)
    return "file_not_plain"


def folder_instead(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    path.unlink()
    path.mkdir()
    return "file_not_plain"


def gone(rng: random.Random, site: Site, folder: Path) -> str:
    path = _any_file(rng, folder)
    path.unlink()
    return "signature_missing" if path.suffix == ".sig" else "file_missing"


def open_to_all(rng: random.Random, site: Site, folder: Path) -> str:
    _any_file(rng, folder).chmod(rng.choice([0o666, 0o646, 0o777, 0o602]))
    return "file_exposed"


def of_another_user(rng: random.Random, site: Site, folder: Path) -> str:
    os.chown(_any_file(rng, folder), rng.randint(4000, 60_000), -1)
    return "file_exposed"


def ring_open(rng: random.Random, site: Site, folder: Path) -> str:
    (site.data / FILE).chmod(rng.choice([0o600, 0o440, 0o404, 0o644]))
    return "key_ring_exposed"


def ring_damaged(rng: random.Random, site: Site, folder: Path) -> str:
    path = site.data / FILE
    content = path.read_bytes()
    path.unlink()
    if rng.random() < 0.7:
        path.write_bytes(content[: rng.randrange(len(content))])
        path.chmod(0o400)
    return "key_ring_unusable"


def other_gpu(rng: random.Random, site: Site, folder: Path) -> str:
    site.machine = replace(HERE, compute_capability=rng.choice(["7.5", "8.6", "12.0"]))
    return "engine_other_gpu"


def other_tensorrt(rng: random.Random, site: Site, folder: Path) -> str:
    others = ["10.16.1.11", "11.4.0.107", "11.4.1.106", "11.5.0.106", "11.4.0.10"]
    site.machine = replace(HERE, tensorrt=rng.choice(others))
    return "engine_other_tensorrt"


def other_cuda(rng: random.Random, site: Site, folder: Path) -> str:
    site.machine = replace(HERE, cuda=rng.choice(["12.9", "13.1", "13"]))
    return "engine_other_cuda"


def old_driver(rng: random.Random, site: Site, folder: Path) -> str:
    site.machine = replace(HERE, driver=rng.choice(["570.86", "580.64", "99.99"]))
    return "engine_driver_too_old"


def expired(rng: random.Random, site: Site, folder: Path) -> str:
    site.sign_engine(expires=LONG_AGO)
    return "engine_expired"


def of_another_onnx(rng: random.Random, site: Site, folder: Path) -> str:
    site.sign_engine(onnx_sha256=rng.randbytes(32).hex())
    return "engine_foreign"


def no_plan(rng: random.Random, site: Site, folder: Path) -> str:
    """Signed here all the same: a JSON before it, another TensorRT, nothing of one."""
    genuine = plan(rng, 300)
    head = b'\x10\x00\x00\x00{"author": "x"}'
    later = plan(rng, 300, "10.16.1.11")
    strange = genuine[:4] + b"\x01" + genuine[5:]
    wrong = (head + genuine, later, strange, genuine[:20], b"\x7fELF" + genuine[4:])
    site.sign_engine(rng.choice(wrong))
    return "plan_wrong"


def older_release(rng: random.Random, site: Site, folder: Path) -> str:
    """The newest engine is taken away; an older one is put where it was looked for,
    and up to two of the three records of the newest are taken away too.
    """
    site.sign_engine(release_seq=1)
    records = ["engines/state.json", "keys/engine-state.json", "engines/audit.log"]
    for name in rng.sample(records, rng.randint(0, 2)):
        (site.data / name).unlink()
    return "release_rolled_back"


def records_altered(rng: random.Random, site: Site, folder: Path) -> str:
    """So that no copy of what ran here is believed."""
    for name in ("engines/state.json", "keys/engine-state.json"):
        path = site.data / name
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(7)
        path.write_bytes(content)
    return "state_unusable"


def _any_file(rng: random.Random, folder: Path) -> Path:
    """One that is read when a worker loads."""
    names = ["manifest.json", "manifest.sig"]
    names += [
        name for name in ("engine.plan", "model.onnx") if (folder / name).exists()
    ]
    return folder / rng.choice(names)


def _other(rng: random.Random, folder: Path) -> Path:
    """Something genuine of the same sort."""
    if (folder / "model.onnx").exists():
        return folder.parent / OTHER_VERSION
    before = folder.parents[2] / OTHER_VERSION / "engines" / BEFORE
    return rng.choice([before, folder.parent / OTHER])


def _altered(path: Path, content: bytes = b"") -> str:
    """The code for other bytes in that file."""
    if path.name not in ("manifest.json", "manifest.sig"):
        return "file_altered"
    # A flip can make one key id of another, with the rest of the line as it was.
    whole = re.fullmatch(rb"hmac-sha256 [0-9a-f]{8} [0-9a-f]{64}\n", content)
    genuine = KeyRing.load(_data_of(path)).active.encode()
    if path.suffix == ".sig" and whole and content[_KID] != genuine:
        return "key_unknown"
    return "signature_wrong"


def _data_of(path: Path) -> Path:
    return next(folder for folder in path.parents if (folder / "keys").is_dir())


OF_BOTH: tuple[Variant, ...] = (
    flip,
    cut,
    append,
    overwrite,
    swap_one,
    swap_manifest,
    swap_folder,
    swap_kind,
    unsigned,
    signed_by_a_stranger,
    signed_by_a_stranger_in_our_name,
    revoked,
    key_too_old,
    weak,
    linked,
    pipe,
    folder_instead,
    gone,
    open_to_all,
    of_another_user,
    ring_open,
    ring_damaged,
)
OF_ENGINES: tuple[Variant, ...] = (
    other_gpu,
    other_tensorrt,
    other_cuda,
    old_driver,
    expired,
    of_another_onnx,
    no_plan,
    older_release,
    records_altered,
)
OFTEN: tuple[Variant, ...] = (flip, cut, append, overwrite)
"""Where chance finds something new each time."""
NEEDS_ROOT: tuple[Variant, ...] = (of_another_user,)
