#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway in any language: one reading to Tocsin, with nothing but the standard library.

    gateway.py ipc:///run/tocsin/gateway.sock gauge-1 water_level 0.35 m
    gateway.py tcp://127.0.0.1:5570 gauge-1 water_level 0.35 m

Speaks the request half of nanomsg's scalability protocols by hand. Keeps sending the same request
until it is answered: only then is the reading on disk. 在得到应答之前，读数尚未落盘，须重发。
"""
import json
import os
import socket
import struct
import sys
import time

GREETING_REQ = b"\0SP\0\0\x30\0\0"
GREETING_REP = b"\0SP\0\0\x31\0\0"


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise ConnectionError("the other side closed")
        data += part
    return data


def connect(url):
    scheme, where = url.split("://", 1)
    if scheme == "ipc":
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(where)
    else:
        host, port = where.rsplit(":", 1)
        sock = socket.create_connection((host, int(port)), 10)
    sock.sendall(GREETING_REQ)
    if read_exactly(sock, 8) != GREETING_REP:
        raise ConnectionError("not a REP socket")
    return sock, b"\x01" if scheme == "ipc" else b""


def ask(url, request):
    """One request, one answer; a lost connection or ten silent seconds raise OSError."""
    sock, mark = connect(url)
    with sock:
        number = struct.pack(">I", int.from_bytes(os.urandom(4), "big") | 0x80000000)
        body = number + json.dumps(request).encode()
        sock.sendall(mark + struct.pack(">Q", len(body)) + body)
        while True:
            head = read_exactly(sock, len(mark) + 8)
            answer = read_exactly(sock, struct.unpack(">Q", head[-8:])[0])
            if answer[:4] == number:
                return json.loads(answer[4:])


def main():
    url, device, factor, value, unit = sys.argv[1:6]
    request = {
        "id": f"{device}-{time.time_ns()}",
        "observations": [
            {"kind": "reading", "device": device, "factor": factor, "value": float(value),
             "unit": unit, "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        ],
    }
    for pause in (1, 2, 5, 10, 30, None):
        try:
            answer = ask(url, request)
            print(json.dumps(answer))
            return 0 if answer["ok"] and "seq" in answer["results"][0] else 1
        except OSError as error:
            print(f"{url}: {error}", file=sys.stderr)
            if pause:
                time.sleep(pause)
    return 2


if __name__ == "__main__":
    sys.exit(main())
