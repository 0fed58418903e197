"""A process that has left OpenVINO can still be told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys

from traceability.lib.programs import REPOSITORY

LEAVES = """
import gc, os, signal, sys, threading
from tests.engine.test_onnxruntime import manifest
from tests.engine.toy import toy_network
from inference_worker.engine.backends.openvino import OpenVinoBackend

held = [OpenVinoBackend(manifest(), toy_network())]
def leave():
    held.clear()
    gc.collect()
thread = threading.Thread(target=leave)
thread.start()
thread.join()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
"""


def test_a_signal_is_heard_when_another_thread_has_closed_openvino() -> None:
    """Its plug-in takes the stack for signals of the first thread along."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVES], cwd=REPOSITORY, timeout=60, capture_output=True
    )
    assert done.returncode == 7, (signal.strsignal(-done.returncode), done.stderr)
