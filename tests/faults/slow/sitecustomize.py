"""Put on PYTHONPATH, this makes the inspect worker take a second to decode a photo.

So there is time to do something while photos are in hand. Each look leaves a line in
the file that SLOW_LOOKS names; the product has no such switch.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import Any

if "inference_worker.worker" in sys.orig_argv:
    from inference_worker.engine import decode as module

    _decode: Any = module.decode

    def _slow(data: bytes, *rest: object) -> object:
        with open(os.environ["SLOW_LOOKS"], "a") as looks:
            print(hashlib.sha256(data).hexdigest(), file=looks)
        time.sleep(1)
        return _decode(data, *rest)

    module.decode = _slow  # type: ignore[assignment]
