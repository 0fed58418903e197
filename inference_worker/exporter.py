"""A port of its own where Prometheus reads this worker's figures."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Iterable
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from traceability.lib.exposition import REFUSAL, may_read, written

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

PATH = "/metrics"
SILENCE_SECONDS = 5


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """A line for every scrape would be noise."""


class _Server(ThreadingWSGIServer):
    def __init__(
        self, address: tuple[str, int], handler: type[WSGIRequestHandler]
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line: who connects and says nothing must not fill the worker's log."""
        logger.warning("no figures for %s: %s", client_address[0], sys.exception())

    def server_bind(self) -> None:
        """Without the base's look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "worker", self.server_address[1]
        self.setup_environ()


class Exporter:
    """Answers GET /metrics for who has the site's token, until it is closed.

    Raises OSError when nothing can listen there.
    """

    def __init__(self, host: str, port: int, figures: Collector) -> None:
        self._figures = figures
        self._server = make_server(host, port, self._answer, _Server, _Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="exporter", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        plain = ("Content-Type", "text/plain")
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "GET":
            start_response("404 Not Found", [plain])
            return [b"GET /metrics\n"]
        if not may_read(environ.get("HTTP_AUTHORIZATION", "")):
            refused = [plain, ("WWW-Authenticate", "Bearer")]
            start_response("401 Unauthorized", refused)
            return [REFUSAL.encode()]
        body, kind = written(self._figures, environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK", [("Content-Type", kind)])
        return [body]
