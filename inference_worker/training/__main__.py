"""`python -m inference_worker.training`: train where nothing else is installed."""

from __future__ import annotations

import argparse
import sys

from inference_worker.training.command import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m inference_worker.training")
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
