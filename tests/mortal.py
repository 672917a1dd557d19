"""A subscriber to be killed: `mortal.py HOST PORT TOKEN FILE`.

Each position it was told becomes a line of the file; the last of them is where its next life goes
on. It starts in a moment: nothing but the standard library.
"""

import http.client
import os
import sys


def follow(host: str, port: int, token: str, file: str) -> None:
    with open(file, "rb+", buffering=0) as notes:
        last = notes.read().split()[-1].decode()
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": last}
        connection = http.client.HTTPConnection(host, port)
        connection.request("GET", "/v1/events", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        event: dict[str, str] = {}
        while line := answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
                continue
            if "data" in event:
                os.write(notes.fileno(), f"{event['id']}\n".encode())
            event = {}


if __name__ == "__main__":
    follow(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
