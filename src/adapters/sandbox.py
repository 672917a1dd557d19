"""What a decoding child does to itself before it touches a byte of anybody's file."""

import ctypes
import platform
import resource
import signal
import struct
import time

MEMORY = 2 * 1024**3
CPU = 20
"""Seconds for one file."""
OPEN_FILES = 256
LARGE = 128 * 1024
"""Bytes of what gets pages of its own, which leave with it."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 1, 38, 22, 2

_M_TRIM, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# System calls no decoder needs: they would reach the network, other programs or other processes.
_DENIED = {
    "x86_64": (
        0xC000003E,
        (41, 42, 43, 49, 50, 53, 59, 322, 101, 310, 311, 288, 272, 165, 169),
    ),
    "aarch64": (0xC00000B7, (198, 199, 200, 201, 202, 203, 221, 281, 117, 270, 271, 242, 97, 40)),
}
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001


def enter() -> None:
    """Give up everything but computing on files that can be read. There is no way back."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    _deny_system_calls()


def give_back() -> None:
    """Let freed memory return to the system at once: pictures are large, and rare (glibc)."""
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt:
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, LARGE), (_M_TRIM, LARGE)):
            mallopt(option, value)


def start_task() -> None:
    """A new file, a new clock: the limit counts the process's whole life."""
    used = int(time.process_time()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU, hard))


def die_with_parent() -> None:
    """No orphan survives the kill of whoever started it (Linux)."""
    if platform.system() == "Linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _deny_system_calls() -> None:
    """A seccomp filter: what is denied answers EPERM. Absent where there is no seccomp."""
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in _DENIED:
        return
    arch, denied = _DENIED[machine]
    program = _program(arch, denied)
    buffer = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_SECCOMP, _FILTER, descriptor, 0, 0)


def _program(arch: int, denied: tuple[int, ...]) -> bytes:
    """Classic BPF over struct seccomp_data: architecture at offset 4, number at offset 0."""
    load, equal, answer = 0x20, 0x15, 0x06
    count = len(denied)
    code = [(load, 0, 0, 4), (equal, 0, count + 1, arch), (load, 0, 0, 0)]
    code += [(equal, count - at, 0, number) for at, number in enumerate(denied)]
    code += [(answer, 0, 0, _ALLOW), (answer, 0, 0, _EPERM)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
