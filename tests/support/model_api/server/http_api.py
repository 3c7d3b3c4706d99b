# SPDX-License-Identifier: Apache-2.0
# HTTP and HTTPS front of the model API. Logs every request; never a key, only
# its SHA-256. Paths it does not know get a quick 404, which the agents accept.
import gzip
import hashlib
import http.server
import itertools
import json
import os
import ssl
import sys

from . import log, messages_api, responses_api, signin_api

_AUTH_HEADERS = ("x-api-key", "authorization", "proxy-authorization")
_MAX_BODY = 64 * 1024 * 1024
_counter = itertools.count(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    turns = []
    body_dir = None

    def log_message(self, format, *args):  # noqa: A002  (name given by the base class)
        pass

    def do_GET(self):
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def _serve(self):
        body = self._read_body()
        try:
            request = json.loads(body) if body else None
        except ValueError:
            request = None
        record = self._describe(body, request)
        path = self.path.split("?")[0]
        if self.command == "POST" and path == "/v1/messages" and isinstance(request, dict):
            record["played"] = messages_api.answer(self, request, self.turns)
        elif self.command == "POST" and path == "/v1/messages/count_tokens":
            self.send_json(200, {"input_tokens": 10})
        elif self.command == "POST" and path.endswith("/responses") and isinstance(request, dict):
            record["played"] = responses_api.answer(self, request, self.turns)
        elif (played := signin_api.answer(self, path, request)) is not None:
            record["played"] = played
        elif self.headers.get("Upgrade"):
            self.send_json(426, {"error": {"message": "no websocket here"}})
        else:
            self.send_json(404, {
                "type": "error",
                "error": {"type": "not_found_error", "message": "not part of this model API"},
            })
        log.write("requests", record)

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline(64).split(b";")[0], 16):
                if size + len(body) > _MAX_BODY:
                    raise ValueError("request body too large")
                body += self.rfile.read(size)
                self.rfile.readline(64)
            self.rfile.readline(64)
        else:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _MAX_BODY))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _describe(self, body, request):
        number = next(_counter)
        record = {
            "number": number,
            "client": self.client_address[0],
            "tls": isinstance(self.connection, ssl.SSLSocket),
            "method": self.command,
            "host": self.headers.get("Host", ""),
            "path": self.path,
            "user_agent": self.headers.get("User-Agent", ""),
            "auth": {name: _digest(self.headers[name]) for name in _AUTH_HEADERS if name in self.headers},
            "length": len(body),
        }
        if isinstance(request, dict) and isinstance(request.get("messages"), list):
            record.update(_summary(request, messages_api.read_conversation(request)))
        elif isinstance(request, dict) and "input" in request:
            record.update(_summary(request, responses_api.read_conversation(request)))
        if self.body_dir:
            with open(os.path.join(self.body_dir, f"{number:04d}.{self.command}.body"), "wb") as out:
                out.write(body)
        return record

    def send_json(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def start_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def send_event(self, event):
        self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, tls_context=None):
        self.tls_context = tls_context
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        # The handshake runs in the connection's own thread, so that a client
        # that never finishes it holds up nobody else.
        if self.tls_context:
            request.settimeout(30)
            request = self.tls_context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(request, client_address)
        finally:
            request.close()

    def handle_error(self, request, client_address):
        log.write("errors", {"client": client_address[0], "error": repr(sys.exc_info()[1])})


def make_tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def on_name(connection, name, _context):
        log.write("tls", {"name": name or ""})

    context.sni_callback = on_name
    return context


def _summary(request, conversation):
    return {
        "model": request.get("model"),
        "stream": bool(request.get("stream")),
        "tools": conversation.tools,
        "workspace": conversation.workspace,
        "prompt": conversation.prompt[:2000],
        "results": len(conversation.results),
    }


def _digest(value):
    token = value.split(" ", 1)[1] if value.lower().startswith("bearer ") else value
    return hashlib.sha256(token.encode()).hexdigest()
