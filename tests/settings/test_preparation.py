"""What `serve` refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from supervisor.options import UnhosedConfigParser

from traceability.lib import embedded_redis
from traceability.lib.preparation import ServeError, check_names, check_port
from traceability.lib.processes import ProcessGroup
from traceability.lib.programs import configuration


@pytest.mark.parametrize("port", [-1, 65_536, 10**20])
def test_a_port_that_is_none_is_a_sentence(port: int) -> None:
    with pytest.raises(ServeError, match=f"Port {port} is none"):
        check_port("127.0.0.1", port)


@pytest.mark.parametrize("name", ["Line #2", "a ;b", "a\t#b", "a\nb"])
def test_a_folder_that_the_supervisor_cannot_read_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ServeError, match="supervisor cannot read"):
        ProcessGroup(tmp_path / name, parts=[]).start()
    assert not (tmp_path / name / "run").exists()


@pytest.mark.parametrize("name", ["Line#2", "a;b", "50 %", "%(here)s", "'a' b", "厂"])
def test_every_other_folder_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    check_names(tmp_path / name)
    parser = UnhosedConfigParser()
    parser.read_string(configuration(tmp_path / name, []))
    read = parser["supervisord"]["logfile"] % {}
    assert read == str(tmp_path / name / "logs" / "supervisord.log")


@pytest.mark.parametrize("name", ["Line#2", "50%41", "why?"])
def test_redis_is_found_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """What an address cannot hold is reached by a link."""
    folder = tmp_path / name / "redis"
    folder.mkdir(parents=True)
    address = embedded_redis.url(tmp_path / name).replace("redis+socket://", "unix://")
    pool = Redis.from_url(address).connection_pool
    found = Path(pool.connection_kwargs["path"])
    assert found.name == "redis.sock"
    assert found.parent.samefile(folder)
    Path(found.parent).unlink()
