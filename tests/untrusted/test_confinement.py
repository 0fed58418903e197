"""What a confined child cannot do to files, processes and its caller: each thing is
tried by a real one, and done by one that is not confined.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_worker.untrusted import kernel, landlock
from inference_worker.untrusted.answers import accepted
from inference_worker.untrusted.errors import SandboxUnavailable
from inference_worker.untrusted.sandbox import REPOSITORY, ask
from tests.untrusted.test_sandbox import be, bounds, talk

CHILD = """
import ctypes, mmap, os, socket, subprocess, sys
sys.path.append({repository!r})
{before}
def answer(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "no")
def write_into(pid, address):
    ours = (ctypes.c_void_p * 2)(ctypes.addressof(text), 4)
    theirs = (ctypes.c_void_p * 2)(address, 4)
    answer(libc.process_vm_writev(pid, ours, 1, theirs, 1, 0))
def write_memory(pid, address):
    with open(f"/proc/{{pid}}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(b"lost")
def share(path):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4) as shared:
        shared[:4] = b"lost"
libc, text = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(b"lost")
try:
    {attempt}
except OSError:
    print("could not")
else:
    print("could")
"""
CONFINE = """
from inference_worker.untrusted import landlock
from inference_worker.untrusted.confinement import confine
{changed}
confine(2**29, 60)
"""
WITHOUT_LANDLOCK = CONFINE.format(changed="landlock.version = lambda: 0")
WITH_LANDLOCK = CONFINE.format(changed="")

ON_FILES = {
    "write": "os.write(os.open('{kept}', os.O_WRONLY), b'lost')",
    "append": "open('{kept}', 'ab').close()",
    "open and truncate": "os.open('{kept}', os.O_RDONLY | os.O_TRUNC)",
    "truncate": "os.truncate('{kept}', 0)",
    "share a mapping": "share('{kept}')",
    "make": "os.close(os.open('{new}', os.O_CREAT | os.O_RDONLY))",
    "make a folder": "os.mkdir('{new}')",
    "unlink": "os.unlink('{kept}')",
    "rename": "os.rename('{kept}', '{new}')",
    "link": "os.link('{kept}', '{new}')",
    "symlink": "os.symlink('{kept}', '{new}')",
    "change the mode": "os.chmod('{kept}', 0o777)",
    "change the time": "os.utime('{kept}', (1, 1))",
    "write to a FIFO": "os.write(os.open('{fifo}', os.O_RDWR), b'lost')",
    "make a FIFO": "os.mkfifo('{new}')",
}
ON_OTHERS = {
    "write through /proc": "write_memory(os.getppid(), {address})",
    "write memory": "write_into(os.getppid(), {address})",
    "signal": "os.kill(os.getppid(), 0)",
    "signal all": "os.kill(-1, 0)",
    "signal a thread": "answer(libc.tgkill(os.getppid(), os.getppid(), 0))",
    "signal by handle": "os.pidfd_open(os.getppid())",
    "limit": "import resource; resource.prlimit(os.getppid(), 4, (0, -1))",
    "connect": "socket.create_connection(('127.0.0.1', {port}))",
    "pair sockets": "socket.socketpair()",
    "fork": "os.fork() or os._exit(0)",
    "execute": "subprocess.run(['/bin/true'])",
}
# Who may look into another's memory at all is the site's choice.
ROOT_ONLY = ("write through /proc", "write memory")


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    kept = tmp_path / "kept"
    kept.write_text("here")
    os.utime(kept, (10**9, 10**9))
    kept.chmod(0o640)
    os.mkfifo(tmp_path / "fifo")
    return {name: tmp_path / name for name in ("kept", "new", "fifo")}


@pytest.fixture
def memory() -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(b"here")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def tried(monkeypatch: pytest.MonkeyPatch, before: str, attempt: str) -> bytes:
    places = {"repository": str(REPOSITORY), "before": before, "attempt": attempt}
    be(monkeypatch, CHILD.format(**places))
    return ask("inspect", [], bounds()).strip()


@pytest.mark.parametrize("before", [WITH_LANDLOCK, WITHOUT_LANDLOCK])
@pytest.mark.parametrize("what", ON_FILES)
def test_files_stay_as_they_are(
    what: str, before: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = ON_FILES[what].format(**places)
    assert tried(monkeypatch, before, attempt) == b"could not"
    kept = places["kept"]
    assert kept.read_text() == "here"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert kept.stat().st_mtime == 10**9
    assert {path.name for path in kept.parent.iterdir()} == {"kept", "fifo"}


@pytest.mark.parametrize("what", ON_FILES)
def test_one_that_is_not_confined_changes_files(
    what: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tried(monkeypatch, "", ON_FILES[what].format(**places)) == b"could"


@pytest.mark.parametrize("before", [WITH_LANDLOCK, WITHOUT_LANDLOCK])
@pytest.mark.parametrize("what", ON_OTHERS)
def test_others_are_out_of_reach(
    what: str,
    before: str,
    memory: ctypes.Array[ctypes.c_char],
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempt = ON_OTHERS[what].format(address=ctypes.addressof(memory), port=port)
    assert tried(monkeypatch, before, attempt) == b"could not"
    assert memory.value == b"here"


@pytest.mark.parametrize("what", [what for what in ON_OTHERS if what != "limit"])
def test_one_that_is_not_confined_reaches_others(
    what: str,
    memory: ctypes.Array[ctypes.c_char],
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if what in ROOT_ONLY and os.getuid() != 0:
        pytest.skip("only root can look into any process")
    attempt = ON_OTHERS[what].format(address=ctypes.addressof(memory), port=port)
    assert tried(monkeypatch, "", attempt) == b"could"
    assert memory.value == (b"lost" if what in ROOT_ONLY else b"here")


@pytest.mark.parametrize("before", [WITH_LANDLOCK, WITHOUT_LANDLOCK])
def test_the_callers_memory_is_not_read(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = "open(f'/proc/{os.getppid()}/mem', 'rb')"
    assert tried(monkeypatch, before, attempt) == b"could not"


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_other_files_are_not_read(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempt in (f"open('{places['kept']}')", "os.listdir('/')"):
        assert tried(monkeypatch, WITH_LANDLOCK, attempt) == b"could not"
        assert tried(monkeypatch, "", attempt) == b"could"


@pytest.mark.parametrize(
    "fails",
    [
        "from inference_worker.untrusted import confinement as c; import resource; "
        "resource.setrlimit = lambda *_: (_ for _ in ()).throw(ValueError('no'))",
        "import platform; platform.machine = lambda: 'riscv64'",
        "from inference_worker.untrusted import seccomp; seccomp._FILTER = 99",
        "from inference_worker.untrusted import landlock; landlock._RESTRICT = 9999",
        "from inference_worker.untrusted import privileges as p; p._VERSION = 0",
    ],
)
@pytest.mark.parametrize("task", ["inspect", "serve"])
def test_one_that_cannot_be_bounded_does_nothing(
    fails: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(
        monkeypatch,
        f"import sys; sys.path.append({str(REPOSITORY)!r}); {fails}\n"
        f"sys.argv[1:] = [{task!r}, '{2**30}', '60']\n"
        "from inference_worker.untrusted.child import main; main()",
    )
    answer = ask("inspect", [], bounds())
    with pytest.raises(SandboxUnavailable, match="no process can be bounded here"):
        accepted(answer[8:] if task == "serve" else answer)


def test_the_caller_is_closed_while_a_child_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == 1
    one, deadline = talk(monkeypatch, "say(asked)")
    two, _ = talk(monkeypatch, "say(asked)")
    one.ask([b"?"], deadline)
    one.close()
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == 0
    two.close()
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == 1
