"""The worker's command line: one module for each command, imported when it is used.

Results go to stdout, everything else to stderr. Exit 0 when done, 1 when something
was refused or failed, 2 for a command line that makes no sense.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

from inference_worker.engine.errors import EngineError, SystemRefused

COMMANDS = {
    "evaluate": "measure a model on labelled images",
    "detect": "find defects in images",
    "quantise": "add an 8-bit file to a model, if it loses nothing",
    "import": "make a version of somebody else's ONNX detector",
    "train": "train a model on labelled images",
    "adopt": "check released model files and sign them for this site",
    "build": "make a TensorRT engine of an adopted version, and sign it",
    "sign": "sign anew, or go back to an older release",
    "list": "show the adopted model versions and built engines",
    "verify": "check signatures and files of versions and engines",
    "keys": "show, rotate and revoke the keys that sign",
    "selftest": "check and time every way to run a model on this machine",
}


def main(argv: Sequence[str]) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    _tell_all_names()
    try:
        parser, chosen = _parser(argv)
        args = parser.parse_args(argv)
        code: int = import_module(_module(chosen)).run(args)
    except EngineError as error:
        report(error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `… | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a folder of somebody else
        report(SystemRefused(str(error)))
        return 1
    return code


def _tell_all_names() -> None:
    """A file's name need not be UTF-8, nor stdout: what cannot be written is spelt out
    instead of losing what was found.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def report(error: EngineError) -> None:
    """Two lines on stderr: what is wrong, and what to do."""
    print(f"error: {error.code}: {error}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)


def _parser(argv: Sequence[str]) -> tuple[argparse.ArgumentParser, str]:
    """Only the chosen command's module is loaded, so that `list` waits for nothing."""
    parser = argparse.ArgumentParser(
        "python -m inference_worker",
        description="Find defects in images, and look after the models that do it.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((word for word in argv if word in COMMANDS), "")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            import_module(_module(name)).add_arguments(command)
    return parser, chosen


def _module(command: str) -> str:
    """A module may not be called what Python keeps for itself: import_."""
    return f"inference_worker.commands.{command}{'_' * iskeyword(command)}"
