"""googlenet serve, over real HTTP: the answers of predict and detect, and one line for every request that is refused."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from PIL import Image

from classification import tiny
from conf_copy import ROOT
from googlenet.cli.main import main
from googlenet.errors import UserError
from googlenet.models.engine import EngineUse
from googlenet.use import serve
from googlenet.use import server as http_server
from googlenet.use.results import Asked, Results
from googlenet.use.serve import Answers, Serving, limited
from googlenet.use.server import Handler, Server
from use.project import CLASSES, project, scenes_project

LIMITS = Serving(port=0, max_mb=0.05, max_megapixels=0.01)
BOUNDARY = b"\r\n\r\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with members, detectors and images of either."""
    folder = tmp_path_factory.mktemp("project")
    project(folder)
    scenes_project(folder)
    return folder


@contextmanager
def running(answers):
    """A server in a thread of this process."""
    before = Image.MAX_IMAGE_PIXELS
    with limited(LIMITS, answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            Image.MAX_IMAGE_PIXELS = before


@pytest.fixture(scope="module")
def server(root):
    with running(Answers(Results.of(root), Asked())) as one:
        yield one


def asked(server, method, path, body=None, **headers):
    """Status and JSON of a request."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def raw(server, sent, shut=True):
    """Status and JSON after these bytes."""
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        client.sendall(sent)
        if shut:
            client.shutdown(socket.SHUT_WR)
        received = b""
        while part := client.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 ") == 1
    head, _, body = received.partition(BOUNDARY)
    return int(head.split()[1]), json.loads(body)


def test_classes_are_those_of_the_command(server, root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["predict", "images", "--top", "2", "--crops", "144", "--json", "-"]) == 0
    for row in json.loads(capsys.readouterr().out):
        body = (root / row["file"]).read_bytes()
        status, answer = asked(server, "POST", "/predict?top=2&crops=144", body)
        assert status == 200 and answer | {"file": row["file"]} == row


def test_boxes_are_those_of_the_command(server, root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["detect", "scenes/000000000002.png", "--json", "-"]) == 0
    rows = [
        {k: v for k, v in row.items() if k not in ("image_id", "file_name")}
        for row in json.loads(capsys.readouterr().out)
    ]
    body = (root / "scenes/000000000002.png").read_bytes()
    status, answer = asked(server, "POST", "/detect", body)
    assert status == 200 and answer["objects"] == rows and answer["proposals"] > 5
    best = rows[0]["score"]
    assert asked(server, "POST", f"/detect?min_score={best}", body)[1]["objects"] == rows[:1]


def test_what_is_served(server):
    status, about = asked(server, "GET", "/")
    assert status == 200 and about["experiment"] == "smoke" and about["classes"] == list(CLASSES)
    assert set(about["post_an_image_to"]) == {"/predict", "/detect"}


LARGE = cv2.imencode(".png", np.zeros((101, 101, 3), np.uint8))[1].tobytes()
HALF = cv2.imencode(".png", tiny.images([(40, 40)])[0])[1].tobytes()[:500]
POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"


def request(method, path, body=None, **headers):
    """The arguments of `asked`."""
    return (method, path, body), headers


REQUESTS = {
    "no image": (
        request("POST", "/predict", b"no image"),
        415,
        "body: not an image; send an image file's bytes as the body",
    ),
    "an empty body": (request("POST", "/predict", b""), 415, "body: empty file; send"),
    "half an image": (request("POST", "/predict", HALF), 415, "body: damaged image ("),
    "too many pixels": (request("POST", "/predict", LARGE), 413, "exceeds limit of 10000 pixels"),
    "too many bytes": (request("POST", "/predict", bytes(60_000)), 413, "body: 60,000 bytes; at most 0.05 MB are read"),
    "too many to detect in": (request("POST", "/detect", LARGE), 413, "exceeds limit of 10000 pixels"),
    "crops": (request("POST", "/predict?crops=7", b"x"), 400, "crops: 1, 10, 144; top: 1 or more"),
    "a word for a number": (
        request("POST", "/predict?top=all", b"x"),
        400,
        "top: 'all' is not a whole number; leave it out",
    ),
    "a number as in Python": (request("POST", "/predict?crops=1_0", b"x"), 400, "crops: '1_0' is not a whole number"),
    "no number": (
        request("POST", "/detect?min_score=nan", b"x"),
        400,
        "min_score: 'nan' is not a number; leave it out",
    ),
    "another parameter": (
        request("POST", "/predict?crop=1", b"x"),
        400,
        "/predict: no parameter 'crop'; did you mean 'crops'?",
    ),
    "a request that a web page causes": (
        request("GET", "/", **{"Sec-Fetch-Site": "cross-site"}),
        403,
        "only this machine's own",
    ),
    "another path": (request("POST", "/predictt", b"x"), 404, "no /predictt; did you mean '/predict'?"),
    "a path to look at": (request("GET", "/favicon.ico"), 404, "no /favicon.ico; known: "),
    "GET": (request("GET", "/predict"), 405, "/predict: POST an image"),
    "PUT": (request("PUT", "/predict", b"x"), 405, "method not allowed; GET / says what is answered"),
    "a web page's request": (
        request("POST", "/predict", b"x", Origin="http://example.org"),
        403,
        "only this machine's own",
    ),
    "another name for this address": (request("GET", "/", Host="example.org"), 403, "only this machine's own"),
}
BYTES = {
    "no length": (POST + b"\r\n", 411, "send the image with its one Content-Length, not in chunks"),
    "chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411, "not in chunks"),
    "a length that is none": (POST + b"Content-Length: -5\r\n\r\n", 411, "send the image with its one Content-Length"),
    "a body that ends": (POST + b"Content-Length: 500\r\n\r\nabc", 400, "body: ends after 3 of 500 bytes; send it again"),
    "a gigabyte": (POST + b"Content-Length: 1000000000\r\n\r\n", 413, "1,000,000,000 bytes; at most 0.05 MB are read"),
    "a length of thousands of digits": (
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 413, "a length of 5,000 digits; at most 0.05 MB are read"
    ),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc", 411, "its one Content-Length"),
    "an address that is none": (b"GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "the address is invalid"),
    "no HTTP": (b"HELLO\r\n\r\n", 400, "bad request; GET / says"),
    "a long line": (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414, "GET / says"),
}  # fmt: skip


def line_of(content):
    assert list(content) == ["error"] and content["error"].isprintable() and "Traceback" not in content["error"]
    return content["error"]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_is_refused_gets_a_line(server, root, name):
    (words, headers), status, line = REQUESTS[name]
    got, content = asked(server, *words, **headers)
    assert got == status and line in line_of(content)
    survives(server, root)


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_request_get_a_line(server, root, name):
    sent, status, line = BYTES[name]
    got, content = raw(server, sent)
    assert got == status and line in line_of(content)
    survives(server, root)


def survives(server, root):
    """The next request is answered."""
    status, answer = asked(server, "POST", "/predict?top=1&crops=1", (root / "images/image 0.png").read_bytes())
    assert status == 200 and len(answer["classes"]) == 1


def test_a_fault_of_the_server_shows_nothing_of_it(server, root, monkeypatch, capsys):
    def broken(image, query):
        raise ValueError("a secret path")

    monkeypatch.setattr(server.answers, "predict", broken)
    status, content = asked(server, "POST", "/predict", b"x")
    assert status == 500 and "secret" not in line_of(content) and "a secret path" in capsys.readouterr().err
    monkeypatch.undo()
    survives(server, root)


def test_a_client_that_says_nothing_is_let_go(server, root, monkeypatch):
    monkeypatch.setattr(Handler, "timeout", 0.3)
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        client.sendall(POST + b"Content-Length: 500\r\n\r\nabc")
        assert client.recv(100) == b""  # closed
    survives(server, root)


def test_a_client_that_says_little_at_a_time_is_sent_away(server, root, monkeypatch):
    monkeypatch.setattr(Handler, "timeout", 0.3)
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        client.sendall(POST + b"Content-Length: 500\r\n\r\n")
        for _ in range(8):
            client.sendall(b"a")
            time.sleep(0.1)
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")
    survives(server, root)


def test_a_refused_client_that_goes_on_sending_is_let_go(server, root, monkeypatch):
    monkeypatch.setattr(http_server, "LINGER_S", 0.3)
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        client.sendall(POST + b"Content-Length: 1000000000\r\n\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(50):
                client.sendall(b"a")
                time.sleep(0.1)
    survives(server, root)


@pytest.mark.parametrize(("error", "shown"), [(ConnectionResetError, False), (TimeoutError, False), (KeyError, True)])
def test_a_client_that_is_gone_leaves_no_traceback(server, capsys, error, shown):
    try:
        raise error
    except error:
        server.handle_error(None, ("127.0.0.1", 1))
    assert ("Traceback" in capsys.readouterr().err) == shown


def test_a_body_of_a_get_is_no_request(server, root):
    """A proxy in front could otherwise pass on one user's bytes as the request of another."""
    body = POST + b"Content-Length: 1\r\n\r\nx"
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    status, about = raw(server, head + body)
    assert status == 200 and about["experiment"] == "smoke"
    survives(server, root)


def test_a_client_whose_head_takes_long_is_let_go(server, root, monkeypatch):
    monkeypatch.setattr(Handler, "timeout", 0.3)
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        client.sendall(POST)
        with pytest.raises(ConnectionError):
            for _ in range(100):
                client.sendall(b"X-More: a\r\n")
                time.sleep(0.05)
    survives(server, root)


def test_a_connection_too_many_is_closed(server, root):
    held = sum(server.connections.acquire(timeout=5) for _ in range(http_server.CONNECTIONS))
    with socket.create_connection(server.server_address[:2], timeout=60) as client:
        assert (held, client.recv(100)) == (http_server.CONNECTIONS, b"")
    for _ in range(held):
        server.connections.release()
    survives(server, root)


def test_an_engine_that_is_not_used_is_said(capsys):
    serve.report([EngineUse("openvino", fallback="openvino: no such plug-in"), EngineUse()])
    assert capsys.readouterr().err.splitlines() == [EngineUse("openvino", fallback="openvino: no such plug-in").line]


def test_too_many_at_once_are_sent_away(server, root):
    held = sum(server.places.acquire(timeout=5) for _ in range(16))
    status, content = asked(server, "GET", "/")
    assert (held, status, line_of(content)) == (16, 503, "too many requests at once; try again")
    for _ in range(held):
        server.places.release()
    survives(server, root)


def test_without_detectors_classes_are_served(tmp_path):
    project(tmp_path)
    with running(Answers(Results.of(tmp_path), Asked())) as one:
        status, content = asked(one, "POST", "/detect", b"x")
        assert status == 404 and line_of(content).endswith("run `snakemake --cores 2 --config experiment=smoke`")
        survives(one, tmp_path)


def test_a_port_in_use_is_one_line(server):
    with pytest.raises(UserError, match=r"^--port \d+: Address already in use; choose another, or 0 for a free one$"):
        Server(server.server_address[1], 1.0, server.answers)


def test_it_listens_to_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.long
def test_the_command_serves_until_it_is_interrupted(root):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-m", "googlenet", "serve", "--port", "0"]
    with subprocess.Popen(words, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        assert first.startswith("serving smoke at http://127.0.0.1:")
        url = first.split(" at ")[1].split(";")[0]
        body = (root / "images/image 1.png").read_bytes()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/predict?top=1", body), timeout=60) as answer:
            assert len(json.load(answer)["classes"]) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
