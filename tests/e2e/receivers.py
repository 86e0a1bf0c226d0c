"""Those who take alerts: an HTTP receiver and a mail server, each on its own port, each of which can be told to refuse."""

import email
import email.policy
import http.server
import json
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from node import free_port


class Taken:
    """One request that came, taken or not."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, dict(headers), body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def key(self):
        return self.headers.get("idempotency-key")


class Receiver:
    """Answers every POST with `status`; keeps all that came and those that it took."""

    def __init__(self, port=None):
        self.port, self.status, self.location = port or free_port(), 200, None
        self.came, self.taken = [], []
        self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers.get("content-length", 0))
                request = Taken(self.path, self.headers, self.rfile.read(length).decode())
                receiver.came.append(request)
                status = receiver.status
                if 200 <= status < 300:
                    receiver.taken.append(request)
                self.send_response(status)
                if receiver.location:
                    self.send_header("location", receiver.location)
                body = b"thank you" if status < 300 else b"not now"
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def bodies(self, about=None):
        """What was taken, but for tests; `about`: the name of a pool."""
        bodies = [taken.json for taken in self.taken]
        return [body for body in bodies if about is None or about in json.dumps(body)]


class MailServer:
    """Answers all mail with `reply`, and keeps what it took; with `context` only over STARTTLS and from one user."""

    def __init__(self, context=None, user=None, password=None):
        self.port, self.came, self.mails = free_port(), [], []
        self.reply = "250 taken"
        options = {"hostname": "127.0.0.1", "port": self.port}
        if context:
            options |= {"tls_context": context, "require_starttls": True}
        if user:
            options |= {"auth_required": True, "authenticator": self.check(user, password)}
        self.controller = Controller(self, **options)

    @staticmethod
    def check(user, password):
        wanted = (user.encode(), password.encode())

        def authenticator(_server, _session, _envelope, _mechanism, given):
            return AuthResult(success=(given.login, given.password) == wanted)

        return authenticator

    async def handle_DATA(self, _server, _session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail.recipients = envelope.rcpt_tos
        self.came.append(mail)
        if self.reply.startswith("250"):
            self.mails.append(mail)
        return self.reply

    def start(self):
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop()

    def to(self, address):
        return [mail for mail in self.mails if address in mail.recipients]
