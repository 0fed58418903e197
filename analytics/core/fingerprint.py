"""Fingerprints of what went into an analysis and of what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analytics.core.contract import COLUMNS
from analytics.core.frames import Bundle


def bundle_sha256(bundle: Bundle) -> str:
    """SHA-256 of all rows; the order of the rows does not change it."""
    digest = hashlib.sha256()
    for file in COLUMNS:
        digest.update(file.encode())
        digest.update(_rows(getattr(bundle, file)))
    order = np.argsort(bundle.units["unit"].to_numpy(), kind="stable")
    for key in sorted(bundle.columns):
        digest.update("\0".join(key).encode())
        digest.update(bundle.columns[key][order].astype("<f4").tobytes())
    return digest.hexdigest()


def _rows(frame: pd.DataFrame) -> bytes:
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64)
    return np.sort(hashes).astype("<u8").tobytes()


def canonical_sha256(value: Mapping[str, Any]) -> str:
    """SHA-256 of the value as JSON with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
