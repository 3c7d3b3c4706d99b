# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of the engine's socket that writes down every request line and every request body, so that a test can say what
scc asked the engine for, and a fake engine that sees another machine's files.
"""
import os
import re
import socket
import threading

REQUEST = re.compile(rb"^(GET|HEAD|POST|PUT|DELETE|PATCH) (\S+) HTTP/1\.1\r$", re.M)


class Proxy:
    """Listens on a unix socket path, or on a loopback port when `path` is None. `rewrite` may change what goes to the engine."""

    def __init__(self, path=None, target="/var/run/docker.sock", rewrite=None):
        self.target, self.rewrite = target, rewrite
        self.sent = b""
        self.lock = threading.Lock()
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.host = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
            self.listener.listen(16)
            self.host = f"unix://{path}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, sink, record):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                if record:
                    with self.lock:
                        self.sent += data
                    if self.rewrite:
                        data = self.rewrite(data)
                sink.sendall(data)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def requests(self):
        """[(method, path)] of everything that was asked."""
        with self.lock:
            return [(method.decode(), path.decode()) for method, path in REQUEST.findall(self.sent)]

    def close(self):
        self.listener.close()
