"""Origins that can be killed and started again: one address and port each."""

import http.server
import threading

from node import free_port


class Origin:
    """Answers 200 to everything on its own loopback address, so that an answer's address names it."""

    def __init__(self, name, address):
        self.name, self.address, self.port = name, address, free_port()
        self.server = None
        # Addresses of clients whose requests and its answers do not arrive.
        self.lost_to = set()

    def start(self):
        body, lost_to = f"hello from {self.name}".encode(), self.lost_to

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle(self):
                if self.client_address[0] in lost_to:
                    while self.connection.recv(4096):
                        pass
                else:
                    super().handle()

            def do_GET(self):
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def kill(self):
        """Connections are refused from here on."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
