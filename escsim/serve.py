"""The classroom page of a scenario served beside the file while it is edited: to this computer only, and made anew when the file changes.

The server knows two addresses, `/` (the page) and `/state` (what `live.js` in the page asks for once a second), and gives nothing else.
What asks may be any page that the author's browser has open, or any program on this computer, so all but a plain request is refused.
"""

from __future__ import annotations

import hashlib
import html
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Event, Thread
from time import monotonic
from typing import Any

from escsim.errors import MOST_SHOWN, AskedError, Place, Problem, ScenarioError, plain
from escsim.files import as_json
from escsim.library import validate
from escsim.page import asset, hashed
from escsim.reading import MOST_FILES, parse, read, text_of
from escsim.scenario import Scenario

ADDRESS = "127.0.0.1"
LOOK = 0.3  # seconds between two looks at the file
PATIENCE = 10.0  # seconds that a connection may last in all
MOST_CONNECTIONS = 64

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",  # which a meta tag cannot say; the rest the page says itself
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Connection": "close",
    "Content-Type": "application/json",
}


def script() -> str:
    """Give the script that keeps a page like the file it is made from."""
    return asset("live.js")


def serve(path: Path, make: Callable[[Scenario], bytes], port: int, announce: Callable[[str], None], ended: Event | None = None) -> None:
    """Serve the page of a scenario file, made anew whenever the file or one that it extends has changed.

    A file that is wrong leaves the last good page, which then shows what is wrong.

    Parameters
    ----------
    path : Path
        The file.
    make : callable
        Makes the page, with `script()` in it. It is called in this thread, and requests are answered meanwhile.
    port : int
        Where to listen on 127.0.0.1; 0 for any free port.
    announce : callable
        Called with the address of the page once there is something to see.
    ended : Event, optional
        Ends it when set; until then it goes on.

    Raises
    ------
    OSError
        If the port is taken or not allowed.
    """
    with _Server(port) as server:
        Thread(target=server.serve_forever, args=[LOOK], daemon=True).start()
        try:
            for number, _ in enumerate(_changes(path, ended or Event())):
                server.shown = replace(server.shown, busy=True)
                server.shown = _made(path, make, server.shown.lesson)
                if number == 0:
                    announce(f"http://{ADDRESS}:{server.server_port}/")
        finally:
            server.shutdown()


@dataclass(frozen=True)
class _Shown:
    """What there is to see; replaced as a whole, so that a request never meets half of it."""

    lesson: bytes | None = None  # the last good one
    problems: tuple[Problem, ...] = ()
    busy: bool = True

    @cached_property
    def page(self) -> bytes:
        return self.lesson if self.lesson is not None else _without_lesson(self.problems)

    @cached_property
    def version(self) -> str:
        return hashlib.sha256(self.page).hexdigest()[:16]

    @cached_property
    def state(self) -> bytes:
        problems = [
            {"file": plain(place.file, 200), "line": place.line, "column": place.column, "message": message, "remedy": remedy}
            for place, message, remedy in self.problems
        ]
        return as_json({"version": self.version, "problems": problems, "busy": self.busy})


def _made(path: Path, make: Callable[[Scenario], bytes], lesson: bytes | None) -> _Shown:
    """Make the page anew, or say why it cannot be and keep the lesson that there was."""
    try:
        return _Shown(make(validate(read(path), path.stem)), busy=False)
    except ScenarioError as error:
        problems = error.problems
    except OSError as error:
        problems = (Problem(Place(str(path)), f"cannot be read: {error.strerror or error}"),)
    except AskedError as error:  # the file lacks what the command line asks for
        problems = (Problem(Place(str(path)), str(error)),)
    except Exception as error:  # a fault of escsim's own must not end what the author works with
        message = f"internal error: {type(error).__name__}: {plain(str(error), 200)}"
        problems = (Problem(Place(str(path)), message, "please report this with the scenario"),)
    if (more := len(problems) - MOST_SHOWN) > 0:
        problems = (*problems[:MOST_SHOWN], Problem(problems[MOST_SHOWN].place, f"... and {more} more"))
    return _Shown(lesson, problems, busy=False)


def _without_lesson(problems: tuple[Problem, ...]) -> bytes:
    """Give the page for the time before the first good lesson: the problems, which the script goes on to look after."""
    live = script()
    policy = f"default-src 'none'; script-src {hashed(live)}; connect-src 'self'"
    told = html.escape("\n".join(map(str, problems)))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>escsim</title>
<body>
<pre class="live-problems" role="alert">{told or "The lesson is being made."}</pre>
<script>{live}</script>
</body>
</html>
""".encode()


def _changes(path: Path, ended: Event) -> Iterator[None]:
    """Give a sign at first, and whenever the files have changed and then held still for one look: editors save in several steps."""
    told = now = _look(path)
    yield
    while not ended.wait(LOOK):
        before, now = now, _look(path)
        if now == before and now != told:
            told = now
            yield


def _look(path: Path) -> list[str]:
    """Give the texts of a file and of those it extends, as far as they can be read, or what keeps them from it."""
    texts: list[str] = []
    file, folder = path, Path(os.path.realpath(path.parent))
    try:
        while len(texts) <= MOST_FILES:
            texts.append(text_of(file, file.name))
            file = path.with_name(_extended(texts[-1]))
            if Path(os.path.realpath(file)).parent != folder:
                break
    except (ScenarioError, OSError, ValueError) as error:  # ValueError: it extends nothing, or what is no name of a file
        texts.append(str(error))
    return texts


@lru_cache(MOST_FILES + 1)
def _extended(text: str) -> str:
    """Give the name of the file that a file extends, if any; remembered, since a file is looked at far more often than it changes."""
    with suppress(ScenarioError):
        link = parse(text, "").root.child("extends")
        if link and isinstance(link.value, str):
            return link.value
    return ""


class _Server(ThreadingHTTPServer):
    """Holds what is shown, and keeps watch over the connections."""

    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = os.name == "posix"  # elsewhere it would let another program listen on the same port

    def __init__(self, port: int) -> None:
        self.shown = _Shown()
        self.began: dict[socket.socket, float] = {}
        super().__init__((ADDRESS, port), _Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # that of HTTPServer asks for a name of the address, which may take seconds
        self.server_port = self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self.began) < MOST_CONNECTIONS:
            self.began[request] = monotonic()
            super().process_request(request, client_address)
            return
        with suppress(OSError):  # at once, since this thread is the one that takes connections
            request.setblocking(False)
            request.sendall(_refusal(HTTPStatus.SERVICE_UNAVAILABLE))
            request.recv(65536)  # a request that is here already, left unread, would turn the end into a reset
        self.close_request(request)

    def service_actions(self) -> None:
        """Cut connections that last too long, however busily they send."""
        for request, began in list(self.began.items()):
            if monotonic() > began + PATIENCE:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """End a connection: what is still sent is taken in first (some megabytes at most), else the client may lose the answer with it."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            for _ in range(100):
                if not request.recv(65536):
                    break
        self.close_request(request)

    def close_request(self, request: Any) -> None:
        super().close_request(request)
        self.began.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: it is the client that has gone, or sent nonsense."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one request; the connection ends with the answer, so that nothing which follows can pass for a request."""

    server: _Server
    timeout = PATIENCE  # of one wait; the server's watch is for those who send a byte now and then

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if refused := self.refusal():
            self.send_error(refused)
        return not refused

    def refusal(self) -> HTTPStatus | None:
        """Say why a request is refused, if it is."""
        words, of = self.requestline.split(" "), self.headers.get_all
        if len(words) != 3 or words != self.requestline.split():
            return HTTPStatus.BAD_REQUEST
        if len(hosts := of("Host", [])) != 1 or hosts[0] not in self.server.hosts:  # a name that leads here is no name of ours
            return HTTPStatus.MISDIRECTED_REQUEST
        if self.command not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED
        if of("Content-Length", ["0"]) != ["0"] or of("Transfer-Encoding") or self.headers.defects:
            return HTTPStatus.BAD_REQUEST
        target = words[1]  # as sent: `path` is tidied
        opened = target == "/" and (of("Sec-Fetch-Mode"), of("Sec-Fetch-Dest")) == (["navigate"], ["document"])
        if of("Sec-Fetch-Site", ["none"]) not in (["same-origin"], ["none"]) and not opened:
            return HTTPStatus.FORBIDDEN
        return None if target in ("/", "/state") else HTTPStatus.NOT_FOUND

    def do_GET(self) -> None:
        shown = self.server.shown
        if self.path == "/":  # live.js finds in a header which page it is in
            more = {"Content-Type": "text/html; charset=utf-8", "Server-Timing": f'version;desc="{shown.version}"'}
            self.send(_answer(HTTPStatus.OK, shown.page, **more))
        else:
            self.send(_answer(HTTPStatus.OK, shown.state))

    do_HEAD = do_GET  # noqa: N815 -- its name in http.server

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in the words of the standard, none of the client's."""
        more = {"Allow": "GET, HEAD"} if code == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self.send(_refusal(HTTPStatus(code), **more))

    def send(self, answer: bytes) -> None:
        head, end, _ = answer.partition(b"\r\n\r\n")
        self.wfile.write(head + end if self.command == "HEAD" else answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing, here too."""


def _answer(status: HTTPStatus, body: bytes, **more: str) -> bytes:
    headers = {**_HEADERS, "Content-Length": str(len(body)), **more}
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _refusal(status: HTTPStatus, **more: str) -> bytes:
    return _answer(status, as_json({"error": status.phrase}), **more)
