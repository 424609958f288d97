"""Whether bytes are those that a host took a print of: LENGTH:SUM of the first ones. Pure."""

from __future__ import annotations

import hashlib

_POLYNOMIAL = 0x04C11DB7


def _entry(byte: int) -> int:
    crc = byte << 24
    for _ in range(8):
        crc = (crc << 1) ^ (_POLYNOMIAL if crc & 0x80000000 else 0)
    return crc & 0xFFFFFFFF


_TABLE = [_entry(byte) for byte in range(256)]


def cksum(data: bytes) -> int:
    """What POSIX's `cksum` prints of some bytes."""
    length = len(data)
    crc = 0
    for byte in data + length.to_bytes((length.bit_length() + 7) // 8, "little"):
        crc = (crc << 8 & 0xFFFFFFFF) ^ _TABLE[crc >> 24 ^ byte]
    return crc ^ 0xFFFFFFFF


def length(print_: str) -> int:
    """Of how many bytes a print is."""
    return int(print_.partition(":")[0])


def fits(print_: str, data: bytes) -> bool:
    """Whether a text that begins so has that print; `data` holds at least as many bytes as it is of.

    The sum is what cksum says, or md5sum of the bytes as hexadecimal digits where a host has no cksum.
    """
    total = print_.partition(":")[2]
    first = data[: length(print_)]
    if total.isdecimal() and len(total) < 32:
        return int(total) == cksum(first)
    return total == hashlib.md5(first.hex().encode(), usedforsecurity=False).hexdigest()
