"""A child that dies, hangs, floods or lies is refused, and is bounded itself."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from inference_worker.untrusted import sandbox
from inference_worker.untrusted.answers import accepted
from inference_worker.untrusted.errors import ModelRefused, Reason, SandboxUnavailable
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import Limits
from inference_worker.untrusted.sandbox import (
    REPOSITORY,
    Bounds,
    Conversation,
    ask,
)
from tests.untrusted.models import good

CONFINED = f"""
import os, sys
sys.path.append({str(REPOSITORY)!r})
from inference_worker.untrusted.confinement import confine
confine(2**29, 1)
"""
GOOD_FACTS = {
    "ir_version": 8,
    "opsets": {"": 17},
    "producer": "",
    "inputs": [{"name": "images", "dtype": "float32", "shape": [1, "n", None]}],
    "outputs": [{"name": "preds", "dtype": "float32", "shape": [1]}],
    "metadata": {},
    "doc_string": "",
    "operators": {"Relu": 1},
    "initialisers": 0,
    "parameters": 0,
    "initialiser_bytes": 0,
}


def be(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The child runs this instead."""
    command = [sys.executable, "-I", "-c", code]
    monkeypatch.setattr(sandbox, "_command", lambda *_: command)


def bounds(seconds: float = 60, answer: int = 2**16) -> Bounds:
    return Bounds(time.monotonic() + seconds, seconds, 2**30, answer)


def refusal(seconds: float = 60, sent: bytes = b"") -> Reason:
    with pytest.raises(ModelRefused) as caught:
        ask("inspect", [sent], bounds(seconds))
    return caught.value.reason


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(good().SerializeToString())
    return path


def say(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer) + "\n"
    be(monkeypatch, f"import sys; sys.stdin.buffer.read(); print({text!r}, end='')")


@pytest.mark.parametrize("signal", [9, 11, 6, 40])
def test_one_that_is_killed(signal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, f"import os; os.kill(os.getpid(), {signal})")
    assert refusal() == Reason.DIED


def test_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, "raise SystemExit(3)")
    assert refusal(sent=bytes(2**20)) == Reason.DIED


def test_one_that_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, "while True: print('x' * 9_999)")
    assert refusal() == Reason.ANSWER_INVALID


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(99)",
        "while True: pass",
        "import os, time; os.close(1); os.close(0); time.sleep(99)",
        "import time, sys; sys.stdin.buffer.read(); time.sleep(99)",
    ],
)
def test_one_that_does_not_end(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, code)
    assert refusal(seconds=0.5, sent=bytes(2**20)) == Reason.TOO_SLOW


def test_what_it_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    be(
        monkeypatch,
        "import subprocess; one = subprocess.Popen(['sleep', '99']);"
        f"open({str(told)!r}, 'w').write(str(one.pid)); one.wait()",
    )
    assert refusal(seconds=2) == Reason.TOO_SLOW
    for one in psutil.process_iter(["pid", "status"]):
        if one.info["pid"] == int(told.read_text()) and one.info["status"] != "zombie":
            one.wait(timeout=30)  # killed already, or this fails


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no json\n",
        "[" * 50_000 + "\n",
        "\x00\xff\n",
        [1],
        {"facts": None},
        {"facts": {}},
        {"refused": "because"},
        {"refused": "malformed"},
        {"refused": ["malformed"], "message": "?"},
        {"facts": {**GOOD_FACTS, "parameters": -1}},
        {"facts": {**GOOD_FACTS, "parameters": True}},
        {"facts": {**GOOD_FACTS, "inputs": []}},
        {"facts": {**GOOD_FACTS, "metadata": {"k": 1}}},
        {"facts": {**GOOD_FACTS, "metadata": {"k": "\ud800"}}},
        {"facts": {**GOOD_FACTS, "doc_string": None}},
        {"refused": "malformed", "message": "?", "hint": 1},
        {"facts": {**GOOD_FACTS, "outputs": [{"name": "preds"}]}},
    ],
)
def test_one_that_lies(
    path: Path, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, answer)
    with pytest.raises(ModelRefused) as caught:
        inspect(path, Limits(seconds=60))
    assert caught.value.reason == Reason.ANSWER_INVALID


def test_the_answer_those_lies_are_made_of_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, {"facts": GOOD_FACTS})
    assert inspect(path, Limits(seconds=60)).inputs[0].shape == (1, "n", None)


def test_what_it_says_cannot_move_a_terminal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, {"refused": "checker", "message": "\x1b[2J" + "x" * 9_000})
    with pytest.raises(ModelRefused) as caught:
        inspect(path, Limits(seconds=60))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_000


def test_it_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSELINE_SECRET", "hush")
    be(monkeypatch, "import os; print(*os.environ, os.getcwd())")
    assert b"CAUSELINE" not in ask("inspect", [], bounds())
    assert b" /\n" in ask("inspect", [], bounds())


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("bytes(2**30)", "MemoryError"),
        ("open('{folder}/new', 'wb', buffering=0).write(bytes(9))", "OSError"),
        ("[os.open('/dev/null', os.O_RDONLY) for _ in range(99)]", "OSError"),
        ("import subprocess; subprocess.run(['/bin/true'])", "OSError"),
        ("os.fork()", "OSError"),
        ("os.execv('/bin/true', ['true'])", "OSError"),
        ("import socket; socket.socket()", "OSError"),
        ("import socket; socket.socketpair(); socket.socket()", "OSError"),
    ],
)
def test_a_confined_one_cannot(
    what: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = what.format(folder=tmp_path)
    code = f"{CONFINED}try:\n    {attempt}\nexcept {error}:\n    print('could not')"
    be(monkeypatch, code)
    assert ask("inspect", [], bounds()) == b"could not\n"


@pytest.mark.parametrize("threads", [True, False])
def test_threads_are_had_where_they_are_allowed(
    threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit on processes counts threads, except for root: so as somebody else."""
    code = f"""
import os, sys, threading
sys.path.append({str(REPOSITORY)!r})
from inference_worker.untrusted.confinement import confine
if os.getuid() == 0:
    os.setuid(54321)
confine(2**29, 60, threads={threads})
try:
    one = threading.Thread(target=print, args=("ran",))
    one.start()
    one.join()
except RuntimeError:
    print("could not")
try:
    os.fork()
except OSError:
    print("no process")
"""
    be(monkeypatch, code)
    ran = b"ran" if threads else b"could not"
    assert ask("inspect", [], bounds()) == ran + b"\nno process\n"


def test_a_confined_one_runs_out_of_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, f"{CONFINED}\nwhile True: pass")
    assert refusal() == Reason.TOO_SLOW


def test_the_bounds_stand_before_anything_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(seconds=60, memory_bytes=2**26, memory_per_byte=0)
    with pytest.raises(ModelRefused) as caught:
        inspect(path, limits)
    assert caught.value.reason in (Reason.OUT_OF_MEMORY, Reason.DIED)


def test_without_linux_nothing_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SandboxUnavailable, match="win32"):
        inspect(path)


def talk(
    monkeypatch: pytest.MonkeyPatch, answer: str, *, seconds: float = 60
) -> tuple[Conversation, float]:
    """With a child that does `answer` for each request, its bytes in `asked`."""
    code = f"""
import os, sys, time
source, out = sys.stdin.buffer, sys.stdout.buffer
def say(content):
    out.write(len(content).to_bytes(8, "big") + content)
    out.flush()
while head := source.read(8):
    asked = source.read(int.from_bytes(head, "big"))
    {answer}
"""
    be(monkeypatch, code)
    return Conversation("serve", bounds(seconds)), time.monotonic() + seconds


def test_a_conversation_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    one, deadline = talk(monkeypatch, "say(asked[::-1])")
    large = bytes(range(256)) * 200
    with one:
        assert one.ask([b"ab", b"", b"cd"], deadline) == b"dcba"
        assert one.ask([], deadline) == b""
        assert one.ask([large], deadline) == large[::-1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("os.kill(os.getpid(), 11)", Reason.DIED),
        ("sys.exit(0)", Reason.DIED),
        ("out.write(bytes(7) + b'x'); out.close(); sys.exit(0)", Reason.DIED),
        ("time.sleep(99)", Reason.TOO_SLOW),
        ("os.close(1); time.sleep(99)", Reason.TOO_SLOW),
        ("say(bytes(2**17))", Reason.ANSWER_INVALID),
        ("out.write(b'x' * 2**17); out.flush()", Reason.ANSWER_INVALID),
    ],
)
def test_a_conversation_that_goes_wrong_ends(
    answer: str, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = reason == Reason.TOO_SLOW
    one, deadline = talk(monkeypatch, answer, seconds=2 if slow else 60)
    with pytest.raises(ModelRefused) as caught:
        one.ask([b"?"], deadline)
    assert caught.value.reason == reason
    (child,) = [one._process]
    assert child.returncode is not None
    one.close()


def test_what_is_raised_meanwhile_ends_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, deadline = talk(monkeypatch, "time.sleep(99)")
    monkeypatch.setattr(sandbox, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.ask([b"?"], deadline)
    assert one._process.returncode is not None


def interrupted(*_: object) -> bool:
    raise KeyboardInterrupt


def test_what_to_do_comes_across(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {"refused": "checker", "message": "no", "hint": "do that"})
    with pytest.raises(ModelRefused) as caught:
        accepted(ask("inspect", [], bounds()))
    assert caught.value.hint == "do that"
