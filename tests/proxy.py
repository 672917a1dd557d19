"""A network between client and service that fails where a test wants it to."""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: on, 0 seconds


class Proxy:
    """Forwards TCP. When as many bytes went to the service as `cuts` says, connections break.

    Every other cut is a reset, the others are orderly. `at_cut` is called with each one's number.
    """

    def __init__(
        self, port: int, cuts: Sequence[int], at_cut: Callable[[int], object] = lambda _: None
    ) -> None:
        self._port = port
        self._cuts = list(cuts)
        self._at_cut = at_cut
        self._sent = 0
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._resetting: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.cut = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Proxy":
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._break()
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    service = socket.create_connection(("127.0.0.1", self._port), timeout=30)
                except OSError:
                    client.close()
                    continue
                self._open |= {client, service}
                self._spawn(self._pump, client, service, True)
                self._spawn(self._pump, service, client, False)

    def _pump(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
                if outward and self._is_due(len(data)):
                    self._break()
                    self._at_cut(self.cut)
        for end in (source, target):
            with suppress(OSError):
                if end not in self._resetting:
                    end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)

    def _is_due(self, more: int) -> bool:
        with self._lock:
            self._sent += more
            if not (self._cuts and self._sent >= self._cuts[0]):
                return False
            self._cuts.pop(0)
            self.cut += 1
            return True

    def _break(self) -> None:
        for end in list(self._open):
            with suppress(OSError):
                if self.cut % 2:
                    self._resetting.add(end)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    end.shutdown(socket.SHUT_RD)  # wakes who reads, sends nothing
                else:
                    end.shutdown(socket.SHUT_RDWR)
