"""What people and other systems say of endpoints, from the command line."""

import http.server
import json
import subprocess
import threading

import pytest

from node import BINARY, free_port

POOL = "said-web"


@pytest.fixture(scope="module")
def pool(node, account):
    origins = [{"name": f"web-{n}", "address": f"127.0.1.{n}"} for n in (1, 2)]
    return node.create(f"/accounts/{account}/load_balancers/pools", {"name": POOL, "origins": origins})["id"]


@pytest.fixture(scope="module")
def path(account):
    return f"/accounts/{account}/trimtab/overrides"


def run(node, *words, server=None):
    done = subprocess.run([BINARY, *words, "--server", server or node.base_url, "--token", node.token],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def test_an_override_is_made_listed_and_removed(node, pool, path):
    code, text, error = run(node, "override", "add", f"{POOL}/web-1", "down", "--reason", "rack 4", "--for", "2h")
    assert (code, error) == (0, ""), error
    [one] = node.api("GET", path).result
    assert (one["pattern"], one["state"], one["reason"]) == (f"{POOL}/web-1", "down", "rack 4")
    named = f"{POOL}/web-1 names 1 endpoint now: 1 of pool {POOL}"
    assert text == f"{one['id']}  {POOL}/web-1 down, until {one['until']}\n  {named}\n"
    code, text, _ = run(node, "override", "add", f"{POOL}/*", "drained", "--reason", "move")
    assert code == 0 and "drained, until it is removed" in text and "names 2 endpoints now" in text, text
    code, text, _ = run(node, "override", "list")
    header, first, second = text.splitlines()
    assert code == 0 and header.split() == ["ID", "PATTERN", "STATE", "UNTIL", "AUTHOR", "REASON"]
    assert (first.split()[1:3], second.split()[1:3]) == ([f"{POOL}/web-1", "down"], [f"{POOL}/*", "drained"])
    code, text, _ = run(node, "override", "list", "--json")
    assert (code, json.loads(text)) == (0, node.api("GET", path).result)
    code, text, _ = run(node, "override", "remove", f"{POOL}/web-1")
    assert (code, text) == (0, f"{one['id']}  {POOL}/web-1 is no longer held down\n  {named}\n")
    [left] = node.api("GET", path).result
    assert run(node, "override", "remove", left["id"])[0] == 0
    assert node.api("GET", path).result == []


def test_what_cannot_be_done_is_said_and_has_its_exit_code(node, pool, path):
    code, text, error = run(node, "override", "remove", "nobody/*")
    assert (code, text) == (3, "") and "no override has the id or the pattern" in error
    for state in ("up", "down"):
        assert run(node, "override", "add", "twice", state, "--reason", "x")[0] == 0
    code, _, error = run(node, "override", "remove", "twice")
    assert code == 2 and all(one["id"] in error for one in node.api("GET", path).result), error
    code, _, error = run(node, "override", "add", "a/b", "up", "--reason", "x", "--for", "a while")
    assert code == 1 and "a while" in error, error
    code, _, error = run(node, "override", "add", "a/b", "sideways", "--reason", "x")
    assert code == 2 and '"sideways" is not one of up, down, drained' in error, error
    assert run(node, "override", "add", "a/b", "up")[0] == 2, "a reason is required"


# === feed ===


class Scripted:
    """An API that knows one pool, keeps what it is fed, and answers with `status`."""

    def __init__(self):
        self.port, self.status, self.fed = free_port(), 200, []
        scripted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, [{"id": "a" * 32, "name": POOL}])

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                scripted.fed.append((self.path, body))
                self.answer(scripted.status, {"origin": "web/1", "address": "127.0.1.1", "weight": 0.25,
                                              "until": "2030-01-01T00:00:00Z"})

            def answer(self, status, result):
                errors = [] if status == 200 else [{"code": 1, "message": "nobody takes what is fed"}]
                body = json.dumps({"result": result, "success": status == 200, "errors": errors}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def test_what_is_fed_is_asked_of_the_api_and_its_answer_told(node):
    scripted = Scripted()
    server = f"http://127.0.0.1:{scripted.port}/client/v4"
    feed = ["feed", POOL, "web/1"]
    code, text, error = run(node, *feed, "--load", "0.75", "--expires-in", "30", "--note", "busy", server=server)
    assert (code, error) == (0, "")
    assert text == "web/1 (127.0.1.1) has 0.25 of its weight, until 2030-01-01T00:00:00Z\n"
    assert run(node, *feed, "--state", "drained", "--weight", "0.5", server=server)[0] == 0
    path = f"/client/v4/accounts/{'a' * 32}/trimtab/feed/{'a' * 32}/web%2F1"
    assert scripted.fed == [(path, {"load": 0.75, "expires_in": 30, "note": "busy"}),
                            (path, {"state": "drained", "weight": 0.5})]
    scripted.status = 503
    code, text, error = run(node, *feed, "--load", "1", server=server)
    assert (code, text) == (1, "") and "503 Service Unavailable: nobody takes what is fed" in error, error
    scripted.server.shutdown()
    scripted.server.server_close()


def test_a_node_is_fed_by_name_and_says_what_is_wrong(node, pool):
    for words, want, said in [
        (["nobody", "web-1", "--load", "1"], 3, 'none of the pools has the name "nobody"'),
        ([POOL, "nobody", "--load", "1"], 3, "nobody"),
        ([POOL, "web-1", "--load", "2"], 1, "load"),
        ([POOL, "web-1", "--load", "0.5", "--weight", "0.5"], 2, "--weight"),
        ([POOL, "web-1", "--note", "only"], 2, "required"),
    ]:
        code, text, error = run(node, "feed", *words)
        assert (code, text) == (want, "") and said in error, (words, code, error)
    code, text, error = run(node, "feed", POOL, "web-1", "--load", "0.7")
    assert (code == 0 and "web-1" in text) or (code == 1 and "503 Service Unavailable" in error), (text, error)
