#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTPS servers on loopback with an authority of their own, a plain one, a proxy, and git over HTTPS.

usage: server.py DIRECTORY
Makes DIRECTORY/ca.pem and other-ca.pem, prints one JSON line with the ports, serves until its stdin ends.

What is answered comes from DIRECTORY/routes.json, read at each request:
  {"/path": {"status", "body" or "hex", "etag", "location", "auth", "delay", "drip", "endless", "headers"}}
  etag: a request that names it gets 304; auth: another Authorization gets 401; delay: seconds before the answer;
  drip: one byte each so many seconds; endless: a body without end. `{https}`, `{other}`, `{plain}` in location
  are the servers' origins.
/git/NAME is served by `git http-backend` from DIRECTORY/git. Every request is a line of DIRECTORY/requests.jsonl.
"""
import http.server
import json
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import warnings

ROOT = sys.argv[1]
LOG_LOCK = threading.Lock()
ORIGINS = {}


def openssl(*argv):
    subprocess.run(("openssl",) + argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-keyout", name + ".key", "-out", name + ".pem", "-subj", "/CN=scc test authority " + name)


def make_certificate():
    with open(os.path.join(ROOT, "server.ext"), "w", encoding="ascii") as extension:
        extension.write("subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=scc test server")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "server.ext", "-out", "server.pem")


def log(**entry):
    with LOG_LOCK, open(os.path.join(ROOT, "requests.jsonl"), "a", encoding="utf-8") as out:
        out.write(json.dumps(entry) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "test"
    role = ""

    def log_message(self, *_args):
        pass

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        log(server=self.role, method=self.command, path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()})
        if self.path.startswith("/git/"):
            self.git(body)
            return
        with open(os.path.join(ROOT, "routes.json"), encoding="utf-8") as source:
            route = json.load(source).get(self.path)
        if route is None:
            self.answer(404, b"no such route")
            return
        try:
            self.follow(route)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def follow(self, route):
        time.sleep(route.get("delay", 0))
        if "auth" in route and self.headers.get("Authorization") != route["auth"]:
            self.answer(401, b"who are you")
            return
        headers = dict(route.get("headers", {}))
        if "etag" in route:
            headers["ETag"] = route["etag"]
            if self.headers.get("If-None-Match") == route["etag"]:
                self.answer(304, b"", headers)
                return
        if "location" in route:
            headers["Location"] = route["location"].format(**ORIGINS)
        body = bytes.fromhex(route["hex"]) if "hex" in route else route.get("body", "").encode()
        if route.get("endless"):
            self.endless(headers)
        elif "drip" in route:
            self.drip(body, headers, route["drip"])
        else:
            self.answer(route.get("status", 200), body, headers)

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def start_stream(self, headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def drip(self, body, headers, pause):
        self.start_stream(headers)
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause)

    def endless(self, headers):
        self.start_stream(headers)
        sent = 0
        try:
            while sent < 256 << 20:
                self.wfile.write(b" " * 65536)
                sent += 65536
        finally:
            log(server=self.role, method="SENT", path=self.path, headers={}, sent=sent)

    def git(self, body):
        path, _, query = self.path.partition("?")
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_PROJECT_ROOT": os.path.join(ROOT, "git"),
                       "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path[len("/git"):], "QUERY_STRING": query,
                       "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                       "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1", "HOME": ROOT,
                       "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                       "GIT_CONFIG_VALUE_0": "*"}
        for name, key in (("Git-Protocol", "GIT_PROTOCOL"), ("Content-Encoding", "HTTP_CONTENT_ENCODING")):
            if self.headers.get(name):
                environment[key] = self.headers[name]
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
        log(server=self.role, method="SENT", path=self.path, headers={}, sent=len(done.stdout))
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.decode().split(": ", 1) for line in head.split(b"\r\n") if line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self.answer(status, content, {name: value for name, value in fields if name != "Status"})


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_args):
        pass  # clients that refuse our certificate are part of the tests


class TlsServer(Server):
    def __init__(self, address, handler, context):
        super().__init__(address, handler)
        self.context = context

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's own thread.
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    """CONNECT and nothing else."""

    def log_message(self, *_args):
        pass

    def do_CONNECT(self):
        log(server="proxy", method="CONNECT", path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()})
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as upstream:
            self.send_response(200)
            self.end_headers()
            forward = threading.Thread(target=pump, args=(self.connection, upstream), daemon=True)
            forward.start()
            pump(upstream, self.connection)
        self.close_connection = True


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def handler(name):
    return type("Handler_" + name, (Handler,), {"role": name})


def main():
    make_authority("ca")
    make_authority("other-ca")
    make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(ROOT, "server.pem"), os.path.join(ROOT, "server.key"))
    warnings.simplefilter("ignore", DeprecationWarning)  # an old version on purpose
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(os.path.join(ROOT, "server.pem"), os.path.join(ROOT, "server.key"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    servers = {
        "https": TlsServer(("127.0.0.1", 0), handler("https"), context),
        "other": TlsServer(("127.0.0.2", 0), handler("other"), context),
        "twin": TlsServer(("127.0.0.1", 0), handler("twin"), context),
        "old": TlsServer(("127.0.0.1", 0), handler("old"), old),
        "plain": Server(("127.0.0.1", 0), handler("plain")),
        "proxy": Server(("127.0.0.1", 0), ProxyHandler),
    }
    for name, server in servers.items():
        scheme = "http" if name in ("plain", "proxy") else "https"
        ORIGINS[name] = "%s://%s:%d" % (scheme, server.server_address[0], server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(ORIGINS), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
