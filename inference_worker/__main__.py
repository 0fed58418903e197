"""`python -m inference_worker`: see `inference_worker.commands.main`."""

from __future__ import annotations

import sys

from inference_worker.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
