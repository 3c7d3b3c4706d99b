#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry on loopback that serves one image by digest (Registry HTTP API v2, pull only).

usage: registry.py ENGINE_SOCKET IMAGE [--lie]
Exports IMAGE from the engine, then prints one JSON line {"port", "digest"} and serves until its stdin ends.
--lie: answers every digest with the same manifest, as a compromised registry would.
"""
import gzip
import hashlib
import http.client
import http.server
import io
import json
import socket
import sys
import tarfile
import threading
import urllib.parse

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def export(engine, image):
    connection = UnixConnection(engine)
    connection.request("GET", "/images/%s/get" % urllib.parse.quote(image))
    response = connection.getresponse()
    if response.status != 200:
        sys.exit("registry.py: the engine answers %d: %s" % (response.status, response.read()[:300]))
    archive = tarfile.open(fileobj=io.BytesIO(response.read()))
    read = lambda name: archive.extractfile(name).read()
    entry = json.loads(read("manifest.json"))[0]
    blobs = {}

    def blob(data, media):
        blobs[digest_of(data)] = data
        return {"mediaType": media, "size": len(data), "digest": digest_of(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(read(entry["Config"]), "application/vnd.docker.container.image.v1+json"),
        "layers": [blob(gzip.compress(read(layer), mtime=0), "application/vnd.docker.image.rootfs.diff.tar.gzip")
                   for layer in entry["Layers"]],
    }
    return json.dumps(manifest).encode(), blobs


def main():
    manifest, blobs = export(sys.argv[1], sys.argv[2])
    lie = "--lie" in sys.argv[3:]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=b"", media="application/json", digest=None):
            self.send_response(status)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            if digest:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self):
            name = self.path.rsplit("/", 1)[-1]
            if self.path == "/v2/":
                return self.answer(200, b"{}")
            if "/manifests/" in self.path and (lie or name == digest_of(manifest)):
                return self.answer(200, manifest, MANIFEST, name)
            if "/blobs/" in self.path and name in blobs:
                return self.answer(200, blobs[name], "application/octet-stream", name)
            return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1], "digest": digest_of(manifest)}), flush=True)
    sys.stdin.read()


main()
