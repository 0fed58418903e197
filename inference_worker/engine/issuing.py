"""Sign an engine that was just built, and put it into the store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference_worker.engine import clock, files, history
from inference_worker.engine.built import (
    PLAN,
    TIMING_CACHE,
    EngineManifest,
    Environment,
)
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.entries import check_onnx, engines_of, newest_release
from inference_worker.engine.errors import EngineConflict
from inference_worker.engine.fields import SCHEMA, canonical, pin
from inference_worker.engine.history import Release
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.signing import check_may_sign, sign
from inference_worker.engine.store import (
    ENGINES,
    MANIFEST,
    SIGNATURE,
    Version,
    folder_of,
    root,
)


def write_engine(
    data: Path,
    version: Version,
    onnx_sha256: str,
    plan: bytes,
    timing_cache: bytes | None,
    environment: Environment,
    *,
    name: str | None = None,
    expires: str | None = None,
    private: PrivateKey | None = None,
) -> EngineManifest:
    """Sign what was just built from a file of the version, and put it in place in one
    step as the newest of its kind, naming the one before.

    `name` is by default its kind and release, `sm90-int8.4`. Raises EngineForeign,
    PlanWrong, EngineConflict or ManifestError, and then nothing was written.
    """
    environment.check_plan(plan)
    check_onnx(version, onnx_sha256)
    told = {**asdict(environment), "profiles": list(environment.profiles)}
    contents = {PLAN: plan}
    if timing_cache:
        contents[TIMING_CACHE] = timing_cache
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        check_may_sign(ring, private)
        newest = newest_release(data, version.manifest.model, environment.kind)
        seq = newest.release_seq + 1 if newest else 1
        manifest = EngineManifest.parse(
            canonical(
                {
                    "schema": SCHEMA,
                    "kind": "engine",
                    "model": version.manifest.model,
                    "version": version.manifest.version,
                    "engine": name or f"{environment.kind}.{seq}",
                    "release_seq": seq,
                    "previous": _reference(data, version.manifest.model, newest),
                    "kid": ring.active,
                    "created": clock.now(),
                    "expires": expires,
                    "onnx_sha256": onnx_sha256,
                    "files": {file: pin(text) for file, text in contents.items()},
                    "environment": told,
                }
            )
        )
        _publish(data, manifest, contents, ring, private)
    return manifest


def _reference(data: Path, model: str, newest: Release | None) -> dict[str, Any] | None:
    """Of the newest, as far as it is still there."""
    for entry in engines_of(data, model):
        if entry.signed is not None and newest == entry.signed.release:
            return entry.signed.manifest.reference
    return None


def _publish(
    data: Path,
    manifest: EngineManifest,
    contents: Mapping[str, bytes],
    ring: KeyRing,
    private: PrivateKey | None,
) -> None:
    """Whole or not at all. The caller has the store's turn."""
    target = folder_of(data, manifest.model, manifest.version) / ENGINES
    target.mkdir(exist_ok=True)
    if (target / manifest.engine).exists():
        raise EngineConflict(f"{target / manifest.engine} is there already")
    text = manifest.canonical()
    every = {**contents, MANIFEST: text, SIGNATURE: sign(text, ring, private)}
    draft = Path(tempfile.mkdtemp(prefix=".", dir=target))
    try:
        for name, content in every.items():
            files.replace(draft / name, content)
        draft.chmod(0o755)
        draft.rename(target / manifest.engine)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    files.flush_folder(target)
    release = Release(
        manifest.release_seq,
        manifest.plan.sha256,
        manifest.previous["sha256"] if manifest.previous else None,
    )
    history.record(data, ring, manifest.chain, release)
