"""The live page: that it follows its file, and that the server answers the author's browser and nobody else, whatever is sent to it."""

from __future__ import annotations

import json
import os
import queue
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from escsim import serve
from escsim.scenario import Scenario
from tests.conftest import SMALL, environment


class Answer(NamedTuple):
    """What the server gave to a request."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def make(scenario: Scenario) -> bytes:
    """Make a page without the work of a lesson."""
    return f"<!DOCTYPE html><title>{scenario.title}</title>".encode()


QUARREL = b"<!DOCTYPE html><title>A quarrel</title>"


class Live:
    """A server at work in a thread."""

    def __init__(self, path: Path, make: Callable[[Scenario], bytes] = make) -> None:
        self.addresses, self.ended = queue.Queue[str](), threading.Event()
        self.thread = threading.Thread(target=serve.serve, args=(path, make, 0, self.addresses.put, self.ended))
        self.thread.start()
        self.address = self.addresses.get(timeout=5)
        self.port = int(self.address.removesuffix("/").rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def send(self, raw: bytes) -> bytes:
        """Send what it may be and give all that comes back."""
        with self.connect() as connection:
            connection.sendall(raw)
            return everything(connection)

    def ask(self, target: str = "/", *headers: str, method: str = "GET", host: str | None = None) -> Answer:
        """Send a proper request and give the answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *headers, "", ""]
        return answer(self.send("\r\n".join(lines).encode()))

    def code(self, *lines: str) -> int:
        """Send lines and give the status of the answer; {} in them is the port."""
        return answer(self.send("".join(f"{line}\r\n" for line in [*lines, ""]).replace("{}", str(self.port)).encode("latin-1"))).code

    @property
    def state(self) -> Any:
        return self.ask("/state").json

    def until(self, holds: Callable[[Any], bool]) -> Any:
        """Wait for a state and give it."""
        for _ in range(500):
            if holds(state := self.state) and not state["busy"]:
                return state
            time.sleep(0.01)
        raise AssertionError(state)


def everything(connection: socket.socket) -> bytes:
    told = b""
    try:
        while got := connection.recv(65536):
            told += got
    except ConnectionResetError:
        assert told.startswith(b"HTTP/1.1 503"), told  # which may come before the request has arrived
    return told


def answer(raw: bytes) -> Answer:
    """Take an answer apart, and hold it to what every answer must be."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert len(headers) == len(lines)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Connection"] == "close"
    assert "Server" not in headers
    assert not [name for name in headers if name.startswith("Access-Control")]
    assert len(body) in (int(headers["Content-Length"]), 0)
    code = int(status.split(" ")[1])
    if code != 200 and body:
        assert headers["Content-Type"] == "application/json"
        assert list(json.loads(body)) == ["error"]
        assert b"Traceback" not in body
    return Answer(code, headers, body)


@contextmanager
def serving(path: Path, make: Callable[[Scenario], bytes] = make) -> Iterator[Live]:
    live = Live(path, make)
    try:
        yield live
    finally:
        live.ended.set()
        live.thread.join(timeout=5)
        assert not live.thread.is_alive()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server look at its file and its connections more often than it need."""
    monkeypatch.setattr(serve, "LOOK", 0.02)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give a server whose file stays as it is."""
    path = tmp_path_factory.mktemp("quiet") / "small.yaml"
    path.write_text(SMALL, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "LOOK", 0.02)
        with serving(path) as running:
            yield running


# What there is to see


def test_there_is_the_page_and_its_state_and_nothing_else(live: Live) -> None:
    page, state = live.ask("/"), live.ask("/state")
    assert (page.code, page.body) == (200, QUARREL)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (state.code, state.headers["Content-Type"]) == (200, "application/json")
    assert state.json == {"version": state.json["version"], "problems": [], "busy": False}
    assert page.headers["Server-Timing"] == f'version;desc="{state.json["version"]}"'
    for target in ("/small.yaml", "/state/", "/state?x=1", "/?", "/favicon.ico", "/index.html", "/live.js", "*"):
        assert live.ask(target).code == 404, target


def test_the_head_of_an_answer_comes_alone_if_it_is_asked_for(live: Live) -> None:
    for target in ("/", "/state", "/none"):
        whole, head = live.ask(target), live.ask(target, method="HEAD")
        assert head == (whole.code, whole.headers, b"")


def test_localhost_and_the_older_protocol_will_do(live: Live) -> None:
    assert live.ask("/", host=f"localhost:{live.port}").code == 200
    assert live.code("GET / HTTP/1.0", "Host: localhost:{}") == 200
    assert answer(live.send(f"GET / HTTP/1.1\nHost: localhost:{live.port}\n\n".encode())).code == 200, "lines may end as on Unix"


# How it follows the file


def test_the_page_follows_its_file_and_stays_while_that_is_broken(small: Path) -> None:
    with serving(small) as live:
        first = live.state
        small.write_text(SMALL.replace("A quarrel", "A feud"), "utf-8")
        second = live.until(lambda state: state["version"] != first["version"])
        assert b"A feud" in live.ask("/").body
        small.write_text(SMALL.replace("recall_envoy, cite", "recal_envoy, cite"), "utf-8")
        broken = live.until(lambda state: state["problems"])
        assert broken["version"] == second["version"]
        assert broken["problems"] == [
            {"file": str(small), "line": 17, "column": 75, "message": "unknown action 'recal_envoy'", "remedy": "did you mean 'recall_envoy'?"}
        ]
        assert b"A feud" in live.ask("/").body
        small.write_text(SMALL, "utf-8")
        assert live.until(lambda state: not state["problems"]) == first
        assert live.ask("/").body == QUARREL


def test_a_file_without_a_first_lesson_has_a_page_of_its_problems(small: Path) -> None:
    small.write_text(SMALL.replace("recall_envoy, cite", "'<img>', cite"), "utf-8")
    with serving(small) as live:
        page = live.ask("/").body.decode()
        assert f"{small}:17:75: error: " in page
        assert "<img>" not in page
        assert "&lt;img&gt;" in page
        assert f"<script>{serve.script()}</script>" in page
        assert "default-src 'none'; script-src 'sha256-" in page
        broken = live.state
        small.write_text(SMALL, "utf-8")
        live.until(lambda state: state["version"] != broken["version"] and not state["problems"])
        assert live.ask("/").body == QUARREL


def test_a_file_that_is_deleted_or_replaced_by_something_else_is_a_problem_of_it(small: Path) -> None:
    with serving(small) as live:
        small.unlink()
        (problem,) = live.until(lambda state: state["problems"])["problems"]
        assert (problem["line"], problem["message"]) == (1, "cannot be read: No such file or directory")
        small.mkdir()
        live.until(lambda state: [each["message"] for each in state["problems"]] == ["this is not a regular file"])
        small.rmdir()
        os.mkfifo(small)
        live.until(lambda state: [each["message"] for each in state["problems"]] == ["this is not a regular file"])
        small.unlink()
        small.write_text(SMALL, "utf-8")
        assert live.until(lambda state: not state["problems"])
        assert live.ask("/").body == QUARREL


def test_the_files_that_it_extends_are_followed_too(small: Path) -> None:
    middle, top = small.with_name("middle.yaml"), small.with_name("top.yaml")
    top.write_text("extends: middle.yaml\n", "utf-8")
    with serving(top) as live:
        live.until(lambda state: "there is no file 'middle.yaml'" in str(state["problems"]))
        middle.write_text("extends: small.yaml\n", "utf-8")
        live.until(lambda state: not state["problems"])
        assert b"A quarrel" in live.ask("/").body
        small.write_text(SMALL.replace("A quarrel", "A feud"), "utf-8")
        live.until(lambda _: b"A feud" in live.ask("/").body)
        small.write_text("title: [", "utf-8")
        (problem,) = live.until(lambda state: state["problems"])["problems"]
        assert problem["file"] == str(small)
        middle.write_text("title: A row\nextends: top.yaml\n", "utf-8")
        live.until(lambda state: "in a circle" in str(state["problems"]))


def test_a_file_that_is_saved_in_several_steps_is_read_after_the_last(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = ["old", "old", "", "half", "new", "new", "new", "", "new", "new", "old", "old"]
    look = serve._look
    monkeypatch.setattr(serve, "_look", lambda path: [looks.pop(0)] if path == small else look(path))
    ended = threading.Event()
    monkeypatch.setattr(ended, "wait", lambda _: not looks)
    assert [list(looks) for _ in serve._changes(small, ended)] == [
        ["old", "", "half", "new", "new", "new", "", "new", "new", "old", "old"],
        ["new", "", "new", "new", "old", "old"],
        [],
    ]


@pytest.mark.parametrize("extended", ["../outside.yaml", "link.yaml", "..", "/dev/zero", '"a\\0b"', "[a]", "7"])
def test_nothing_outside_the_folder_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extended: str) -> None:
    (tmp_path / "outside.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.yaml").symlink_to("../outside.yaml")
    path = tmp_path / "in" / "small.yaml"
    path.write_text(f"extends: {extended}\n", "utf-8")
    looked: set[Path] = set()
    text_of = serve.text_of
    monkeypatch.setattr(serve, "text_of", lambda file, name: looked.add(file.resolve()) or text_of(file, name))
    with serving(path) as live:
        assert live.state["problems"][0]["line"] == 1
    assert {file for file in looked if "quiet" not in file.parent.name} == {path}


def test_a_fault_of_the_page_is_told_and_ends_nothing(small: Path) -> None:
    def faulty(scenario: Scenario) -> bytes:
        if scenario.title == "A feud":
            raise RuntimeError("the sky is falling\x1b[2J")
        return make(scenario)

    with serving(small, faulty) as live:
        small.write_text(SMALL.replace("A quarrel", "A feud"), "utf-8")
        (problem,) = live.until(lambda state: state["problems"])["problems"]
        assert problem["message"] == "internal error: RuntimeError: the sky is falling\\x1b[2J"
        assert live.ask("/").body == QUARREL
        small.write_text(SMALL.replace("A quarrel", "A row"), "utf-8")
        live.until(lambda state: not state["problems"])
        assert b"A row" in live.ask("/").body


def test_requests_do_not_wait_for_a_page_that_is_being_made(small: Path) -> None:
    working, done, at_work = threading.Event(), threading.Event(), []

    def slow(scenario: Scenario) -> bytes:
        at_work.append(scenario.title)
        assert len(at_work) == 1, "one at a time"
        if scenario.title != "A quarrel":
            working.set()
            assert done.wait(5)
        at_work.pop()
        return make(scenario)

    with serving(small, slow) as live:
        small.write_text(SMALL.replace("A quarrel", "A feud"), "utf-8")
        assert working.wait(5)
        assert live.state["busy"]
        assert live.ask("/").body == QUARREL
        small.write_text(SMALL.replace("A quarrel", "A row"), "utf-8")  # while the one before is made
        done.set()
        live.until(lambda _: b"A row" in live.ask("/").body)


def test_of_very_many_problems_the_first_are_told(small: Path) -> None:
    small.write_text(SMALL + "".join(f"wrong_{number}: 1\n" for number in range(100)), "utf-8")
    with serving(small) as live:
        problems = live.state["problems"]
        assert len(problems) == 21
        assert problems[-1]["message"] == "... and 80 more"


def test_a_port_that_is_taken_is_an_error_at_once(small: Path, live: Live) -> None:
    with pytest.raises(OSError, match="in use"):
        serve.serve(small, make, live.port, lambda _: None)


# Who is refused


def test_only_this_computer_is_listened_to(live: Live) -> None:
    assert live.address == f"http://127.0.0.1:{live.port}/"
    for other in ("127.0.0.2", "::1"):
        with pytest.raises(OSError, match=r"refused|unreachable|assign|supported"):
            socket.create_connection((other, live.port), timeout=5)


HOSTS = [
    "evil.example", "evil.example:{}", "127.0.0.1", "localhost", "localhost.:{}", "127.0.0.1.:{}", "localhost:1", "127.0.0.1:{}0", "127.0.0.2:{}",
    "0.0.0.0:{}", "[::1]:{}", "2130706433:{}", "127.1:{}", "LOCALHOST:{}", "localhost:{}@evil.example", "evil.example@localhost:{}", "localhost:{} ",
    "localhost:{},evil.example", "localhost:{}\r\n evil.example", "x.localhost:{}", ":{}", "", "http://localhost:{}", "localhost:+{}",
    "localhost:0{}",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("target", ["/", "/state", "http://localhost:{}/"])
def test_a_host_of_another_name_is_refused(live: Live, host: str, target: str) -> None:
    """Else a page of that name, made to lead here, could read the answers (DNS rebinding)."""
    assert live.code(f"GET {target} HTTP/1.1", f"Host: {host}") == 421


def test_a_request_without_a_host_or_with_two_is_refused(live: Live) -> None:
    assert live.code("GET / HTTP/1.1") == 421
    assert live.code("GET / HTTP/1.0") == 421
    assert live.code("GET / HTTP/1.1", "Host: localhost:{}", "Host: localhost:{}") == 421
    assert live.code("GET / HTTP/1.1", "Host: localhost:{}", "Host: evil.example") == 421
    assert live.code("GET / HTTP/1.1", "X-Forwarded-Host: localhost:{}", "Host: evil.example") == 421
    assert live.code("GET / HTTP/1.1", "X: y\rHost: localhost:{}", "Host: evil.example") == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "GETS", "__init__", "error"])
def test_other_methods_are_refused_with_those_that_are_allowed(live: Live, method: str) -> None:
    refused = live.ask("/state", method=method)
    assert (refused.code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_nothing_allows_another_site_to_read_an_answer(live: Live) -> None:
    asked = ["Origin: https://evil.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Private-Network: true"]
    for method in ("OPTIONS", "GET"):
        assert not [name for name in live.ask("/state", *asked, method=method).headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5"],
        ["Content-Length: 00"],
        ["Content-Length: -1"],
        ["Content-Length: +0"],
        ["Content-Length: "],
        ["Content-Length: 99999999999999999999"],
        ["Content-Length: 0", "Content-Length: 0"],
        ["Content-Length: 0", "Content-Length: 44"],
        ["Content-Length: 0, 44"],
        ["Transfer-Encoding: chunked"],
        ["Transfer-Encoding: identity"],
        ["Content-Length: 0", "Transfer-Encoding: chunked"],
        ["transfer-encoding:\x0bchunked"],
        ["Transfer-Encoding : chunked"],
        ["Nonsense", "Transfer-Encoding: chunked"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_request_with_a_body_is_refused_and_what_follows_is_no_request(live: Live, method: str, headers: list[str]) -> None:
    head = [f"{method} /state HTTP/1.1", f"Host: localhost:{live.port}", "Connection: keep-alive", *headers]
    smuggled = f"0\r\n\r\nGET /state HTTP/1.1\r\nHost: localhost:{live.port}\r\n\r\n"
    got = live.send("\r\n".join([*head, "", smuggled]).encode())
    assert answer(got).code == 400
    assert got.count(b"HTTP/1.") == 1
    assert live.ask("/state").code == 200


def test_one_connection_is_one_request(live: Live) -> None:
    asked = f"GET /state HTTP/1.1\r\nHost: localhost:{live.port}\r\nConnection: keep-alive\r\n\r\n".encode()
    assert live.send(asked * 3).count(b"HTTP/1.1 200 OK") == 1


def test_the_body_of_a_refused_request_is_not_waited_for_and_does_not_lose_the_answer(live: Live) -> None:
    head = f"GET / HTTP/1.1\r\nHost: localhost:{live.port}\r\nContent-Length: 6000000\r\n\r\n".encode()
    assert answer(live.send(head + bytes(6_000_000))).code == 400
    with live.connect() as connection:
        connection.sendall(head)
        assert answer(everything(connection)).code == 400


TARGETS = {
    404: [
        "/../../etc/passwd", "/..", "/%2e%2e/%2e%2e/etc/passwd", "/%2e", "/.", "/./state", "/%73tate", "/state%00", "/state\0", "/\0", "//",
        "//evil.example/", "///", "/\\..\\..\\etc", "/etc/passwd", "/small.yaml", "http://127.0.0.1:{}/", "http://localhost:{}/state", "state",
        "?", "#", "//state", "http://evil.example/", "file:///etc/passwd", "/state#", "/STATE", "/st\xe4te", "*", "/%",
        "/" + "a" * 60_000, "/" + "../" * 9_000,
    ],
    414: ["/" + "a" * 70_000, "/" + "a" * 3_000_000],
    400: ["/ /state", "/state x"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "target"), [(code, target) for code, targets in TARGETS.items() for target in targets], ids=lambda each: str(each)[:20]
)
def test_what_is_no_address_of_the_two_is_refused(live: Live, code: int, target: str) -> None:
    assert live.code(f"GET {target} HTTP/1.1", "Host: localhost:{}") == code


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (431, ["X: " + "a" * 70_000]),
        (431, [f"X-{number}: y" for number in range(200)]),
        (431, [f"X-{number}: {'y' * 30_000}" for number in range(120)]),
        (400, ["no header at all"]),
        (400, [": no name"]),
        (400, ["\xff\xfe: y"]),
    ],
    ids=lambda each: str(each)[:20],
)
def test_headers_without_measure_are_refused(live: Live, code: int, lines: list[str]) -> None:
    assert live.code("GET / HTTP/1.1", "Host: localhost:{}", *lines) == code


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (400, b"GET /"),  # HTTP/0.9
        (400, b"GET"),
        (400, b"POST /"),
        (400, b"GET / HTTP/1"),
        (400, b"GET / HTTP/1.1.1"),
        (400, b"GET / HTTP/x.y"),
        (400, b"GET / HTTP/\xb2.1"),
        (400, b"GET / FTP/1.1"),
        (400, b"GET\t/\tHTTP/1.1"),
        (400, b"GET\xa0/\xa0HTTP/1.1"),
        (400, b"GET  / HTTP/1.1"),
        (400, b"GET  HTTP/1.1"),
        (400, b"\x0bGET / HTTP/1.1"),
        (400, b" GET / HTTP/1.1"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),  # the beginning of TLS
        (505, b"GET / HTTP/2.0"),
        (505, b"PRI * HTTP/2.0"),
    ],
)
def test_what_is_no_request_is_refused(live: Live, code: int, line: bytes) -> None:
    assert answer(live.send(line + f"\r\nHost: localhost:{live.port}\r\n\r\n".encode())).code == code
    assert live.ask("/state").code == 200


@pytest.mark.parametrize(
    ("target", "site", "mode", "dest", "code"),
    [
        ("/", "cross-site", "navigate", "document", 200),  # a link that leads here
        ("/", "cross-site", "navigate", "iframe", 403),
        ("/", "cross-site", "navigate", "embed", 403),
        ("/", "cross-site", "no-cors", "image", 403),
        ("/", "cross-site", "no-cors", "script", 403),
        ("/", "cross-site", "cors", "empty", 403),
        ("/", "same-site", "cors", "empty", 403),  # another port of this computer
        ("/", "strange", "cors", "empty", 403),
        ("/", "none", "navigate", "document", 200),
        ("/", "same-origin", "navigate", "document", 200),
        ("/state", "cross-site", "navigate", "document", 403),
        ("/state", "cross-site", "cors", "empty", 403),
        ("/state", "same-site", "cors", "empty", 403),
        ("/state", "same-origin", "cors", "empty", 200),
        ("/state", "none", "navigate", "document", 200),
    ],
)
def test_what_another_site_asks_for_is_refused_unless_a_link_is_followed(live: Live, target: str, site: str, mode: str, dest: str, code: int) -> None:
    assert live.ask(target, f"Sec-Fetch-Site: {site}", f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {dest}").code == code


def test_two_words_on_where_a_request_comes_from_are_refused(live: Live) -> None:
    assert live.ask("/state", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site").code == 403


# What does not stop it


def live_again(live: Live) -> None:
    """Wait until a proper request is answered."""
    began = time.monotonic()
    while live.ask("/state").code != 200:
        assert time.monotonic() < began + 5
        time.sleep(0.01)


def test_connections_beyond_the_most_are_turned_away_and_slow_ones_are_cut(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", 0.4)
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 4)
    with serving(small) as live, ExitStack() as stack:
        idle = [stack.enter_context(live.connect()) for _ in range(4)]
        began = time.monotonic()
        idle[1].sendall(b"GET / HTTP/1.1\r\nHost: ")
        idle[2].sendall(f"GET / HTTP/1.1\r\nHost: localhost:{live.port}\r\n".encode())
        assert live.ask("/").code == 503
        while time.monotonic() < began + 5:  # a byte now and then is not enough
            try:
                idle[3].sendall(b"G")
            except OSError:
                break
            time.sleep(0.02)
        assert time.monotonic() < began + 3
        for connection in idle[:3]:
            assert everything(connection) == b""
        live_again(live)


def test_who_says_nothing_is_cut_without_a_word(live: Live, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(serve._Handler, "timeout", 0.1)
    with live.connect() as connection:
        assert everything(connection) == b""
    assert capfd.readouterr() == ("", "")


def test_who_does_not_take_the_answer_is_cut(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 1)
    with serving(small, lambda _: bytes(20_000_000)) as live, live.connect() as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{live.port}\r\n\r\n".encode())
        assert live.ask("/state").code == 503
        live_again(live)


def test_a_thousand_connections_leave_it_in_order(live: Live) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        many = [stack.enter_context(live.connect()) for _ in range(1000)]
        told = [everything(connection)[:12] for connection in many[serve.MOST_CONNECTIONS :]]
        assert set(told) == {b"HTTP/1.1 503"}
    live_again(live)


def test_sockets_that_are_closed_by_halves_or_torn_leave_it_in_order(live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    asked = f"GET /state HTTP/1.1\r\nHost: localhost:{live.port}\r\n\r\n".encode()
    with live.connect() as connection:
        connection.sendall(asked)
        connection.shutdown(socket.SHUT_WR)
        assert answer(everything(connection)).code == 200, "who has said all may still listen"
    for part in (b"", asked[:10], asked[:-2]):
        with live.connect() as connection:
            connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            everything(connection)
        with live.connect() as connection:
            connection.sendall(part)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # its end is a reset
    live_again(live)
    assert capfd.readouterr() == ("", "")


def test_nothing_that_a_client_sends_is_printed(live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    for line in (b"GET /\x1b[2J HTTP/1.1", b"\x1b[2J / HTTP/1.1", b"GET / HTTP/\x1b[2J", b"\x1b[2J"):
        refused = answer(live.send(line + b"\r\nHost: \x1b[2J\r\n\r\n"))
        assert b"2J" not in refused.body
    assert capfd.readouterr() == ("", "")


# The script in the page


def test_the_script_says_all_by_text_and_goes_into_a_page_as_it_is() -> None:
    script = serve.script()
    assert '"use strict"' in script
    assert "textContent" in script
    for unwanted in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval", 'setAttribute("style"', "</script", "<!--", "\r"):
        assert unwanted not in script


# The command line


def test_a_scenario_that_is_not_there_is_told_before_anything_is_served(escsim: Callable[..., Any]) -> None:
    told = escsim("serve", "nope")
    assert told.code == 2
    assert "there is no file and no shipped scenario 'nope'" in told.err


def test_the_command_serves_the_page_until_ctrl_c(small: Path) -> None:
    command = [sys.executable, "-m", "escsim", "serve", small.name, "-n", "500"]
    with subprocess.Popen(command, cwd=small.parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            told = running.stderr.readline()
            assert running.stderr.readline() == "Ctrl-C ends it\n"
            port = re.findall(r"http://127\.0\.0\.1:(\d+)/ shows small.yaml as it is edited\n", told)[0]
            with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as connection:
                connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
                page = answer(everything(connection))
            assert serve.script() in page.body.decode()
            assert b"connect-src 'self'" in page.body
        finally:
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, "", "interrupted\n")
