"""`build`, `sign`, `keys`, and what `list` and `verify` say of built engines."""

from __future__ import annotations

import json
import random
import stat
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from benchmarks.signing.site import BUILT, plan
from inference_worker.commands.main import main
from inference_worker.engine.keyring import FILE, KeyRing
from tests.engine.toy import write_toy

Output = pytest.CaptureFixture[str]
PLAN = plan(random.Random(8), 400)


@pytest.fixture(autouse=True)
def adopted(tmp_path: Path, shipped: Path, capsys: Output) -> Path:
    """Two versions of the toy, adopted; nothing was said yet."""
    write_toy(shipped, version="2", release_seq=2)
    assert main(["adopt", "--source", str(shipped)]) == 0
    capsys.readouterr()
    return tmp_path / "var"


@pytest.fixture
def tensorrt(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """In place of a compiler that cannot be had: returns PLAN, keeps the orders."""
    orders: list[Any] = []

    def build(network: bytes, profiles: Any, budget: int, **told: Any) -> Any:
        orders.append((network, budget, told))
        environment = asdict(BUILT) | {"precision": told["precision"], "profiles": []}
        return SimpleNamespace(
            plan=PLAN, timing_cache=b"cache", environment=environment
        )

    parts = {
        "builder": {"build": build},
        "networks": {"network_for": lambda version, _: version.read("model.onnx")},
        "profiles": {"profiles_of": lambda *_: ()},
    }
    package = "inference_worker.engine.tensorrt"
    for name, content in parts.items():
        module = ModuleType(f"{package}.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, f"{package}.{name}", module)
        monkeypatch.setattr(f"{package}.{name}", module, raising=False)
    return orders


def said(capsys: Output) -> Any:
    return json.loads(capsys.readouterr().out)


def test_without_tensorrt_building_says_what_to_install(capsys: Output) -> None:
    if "tensorrt" in sys.modules:
        pytest.skip("TensorRT is here")
    assert main(["build", "--model", "toy"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: backend_unavailable: TensorRT is not installed")
    assert "requirements-gpu.txt" in error


def test_what_was_built_is_signed_and_listed(
    tensorrt: list[Any], adopted: Path, capsys: Output
) -> None:
    assert main(["build", "--model", "toy", "--json", "--expires-days", "9"]) == 0
    built = said(capsys)
    assert (built["engine"], built["version"]) == ("sm90-f16.1", "2")
    assert built["kid"] == KeyRing.load(adopted).active
    assert built["expires"] > built["created"]
    assert main(["list", "--json"]) == 0
    row = said(capsys)[-1]
    assert row["environment"]["gpu"] == "NVIDIA H100"
    assert (row["engine"], row["release_seq"], row["status"]) == ("sm90-f16.1", 1, "ok")
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "toy 1 1 ok",
        "toy 2 2 ok",
        "toy 2 sm90-f16.1 1 ok",
    ]


def test_the_next_build_takes_the_timing_cache(
    tensorrt: list[Any], adopted: Path
) -> None:
    main(["build", "--model", "toy", "--workspace", "256"])
    main(["build", "--model", "toy"])
    (_, budget, first), (_, _, second) = tensorrt
    assert budget == 256 * 2**20
    assert (first["timing_cache"], second["timing_cache"]) == (b"", b"cache")
    (adopted / "engines/toy/2/engines/sm90-f16.2/timing.cache").write_bytes(b"forged")
    (adopted / "engines/toy/2/engines/sm90-f16.1/timing.cache").write_bytes(b"forged")
    main(["build", "--model", "toy"])
    assert tensorrt[-1][2]["timing_cache"] == b""


def test_verify_reads_engines_too(
    tensorrt: list[Any], adopted: Path, capsys: Output
) -> None:
    main(["build", "--model", "toy"])
    assert main(["verify", "toy@2"]) == 0
    assert "toy 2 sm90-f16.1 ok" in capsys.readouterr().out
    (adopted / "engines/toy/2/engines/sm90-f16.1/timing.cache").write_bytes(b"x")
    assert main(["verify", "toy@2", "--json"]) == 1
    assert [row["status"] for row in said(capsys)] == ["ok", "file_altered"]


def test_rotating_and_revoking(
    tensorrt: list[Any], adopted: Path, capsys: Output
) -> None:
    old = KeyRing.load(adopted).active
    assert main(["keys", "rotate", "--window-days", "7", "--json"]) == 0
    told = said(capsys)
    assert {row["status"] for row in told["signed"]} == {"signed"}
    assert main(["keys", "list", "--json"]) == 0
    rows = {row["kid"]: row for row in said(capsys)}
    assert (rows[told["active"]]["status"], rows[old]["status"]) == (
        "active",
        "verifies",
    )
    assert rows[old]["not_after"]
    assert main(["keys", "revoke", told["active"]]) == 0
    head, *keys = (line.split() for line in capsys.readouterr().out.splitlines())
    table = [dict(zip(head, key, strict=True)) for key in keys]
    assert {row["kid"]: row["status"] for row in table}[told["active"]] == "revoked"
    assert {row["public"] for row in table} == {"-"}
    assert main(["verify"]) == 1
    assert main(["sign"]) == 1
    assert "key_revoked" in capsys.readouterr().out


def test_no_command_shows_a_secret(adopted: Path, capsys: Output) -> None:
    main(["keys", "rotate"])
    secrets = [key.hex() for key in KeyRing.load(adopted).keys.values()]
    for words in (["keys", "list"], ["keys", "list", "--json"], ["verify", "--log"]):
        main(words)
    captured = capsys.readouterr()
    assert captured.out
    assert not any(secret in captured.out + captured.err for secret in secrets)


def test_ed25519_from_the_command_line(
    adopted: Path, tmp_path: Path, capsys: Output
) -> None:
    private = tmp_path / "private.pem"
    assert main(["keys", "pair", str(private), "--json"]) == 0
    public = said(capsys)["public"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o400
    assert main(["keys", "trust", public]) == 0
    assert main(["sign", "--private", str(private)]) == 0
    assert main(["keys", "require", "ed25519"]) == 0
    assert main(["verify"]) == 0
    assert main(["keys", "rotate"]) == 1
    assert "error: signature_weak" in capsys.readouterr().err
    assert main(["keys", "rotate", "--private", str(private)]) == 0


def test_a_private_key_does_not_belong_into_the_data_folder(
    adopted: Path, capsys: Output
) -> None:
    assert main(["keys", "pair", str(adopted / "keys/private.pem")]) == 1
    assert "in the data folder" in capsys.readouterr().err
    assert [path.name for path in (adopted / "keys").iterdir()] == [FILE.name]


@pytest.mark.parametrize("public", ["", "00", "x" * 64])
def test_what_is_no_public_key_is_refused(public: str, capsys: Output) -> None:
    assert main(["keys", "trust", public]) == 1
    assert "64 hex digits" in capsys.readouterr().err


def test_going_back_and_reading_of_it_in_the_log(
    tensorrt: list[Any], adopted: Path, capsys: Output
) -> None:
    assert main(["sign", "--rollback-to", "toy@1"]) == 0
    assert capsys.readouterr().out == "toy 1 3 rolled_back\n"
    main(["build", "--model", "toy@1"])
    main(["build", "--model", "toy@1"])
    capsys.readouterr()
    assert main(["sign", "--rollback-to", "toy@1/sm90-f16.1", "--json"]) == 0
    assert said(capsys)[0]["release_seq"] == 3
    assert main(["verify", "--log", "--json"]) == 0
    events = [entry["event"] for entry in said(capsys)]
    assert events.count("rollback") == 2
    path = adopted / "engines/audit.log"
    path.write_bytes(path.read_bytes() + b'{"at":"20')
    assert main(["verify", "--log"]) == 0
    assert f"{len(events) + 1} cut short by a crash" in capsys.readouterr().out
    path.write_bytes(path.read_bytes().replace(b'"rollback"', b'"sign"'))
    assert main(["verify", "--log"]) == 1
    assert "audit_log_broken" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["toy", "toy@9", "toy@1/none", "../x@1"])
def test_going_back_to_what_is_not_there_is_refused(
    wanted: str, capsys: Output
) -> None:
    assert main(["sign", "--rollback-to", wanted]) == 1
    assert "error: engine_missing" in capsys.readouterr().err
