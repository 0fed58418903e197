"""Put on PYTHONPATH, this makes a photo that carries `KILL` fatal to decode.

It stands for a decoder that a damaged image crashes; the product has no such switch.
Each process that dies of it leaves a line in the file that POISON_DEATHS names.
"""

from __future__ import annotations

import os
import sys
from typing import Any

if {"inference_worker.worker", "inference_worker.isolation"} & set(sys.orig_argv):
    from inference_worker.engine import decode as module
    from inference_worker.engine.types import Image

    _decode = module.decode

    def _fatal(data: bytes, *room: Any) -> Image:
        if b"KILL" in data:
            with open(os.environ.get("POISON_DEATHS", os.devnull), "a") as deaths:
                print(os.getpid(), file=deaths)
            os._exit(1)
        return _decode(data, *room)

    module.decode = _fatal
