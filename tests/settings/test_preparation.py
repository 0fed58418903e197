"""What `serve` refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from supervisor.options import UnhosedConfigParser

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
