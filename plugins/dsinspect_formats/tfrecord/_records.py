"""TFRecord files record by record, with their CRC32C, and the messages of tf.train.Example by their spans.

Source of the layout: tensorflow/core/lib/io/record_writer.h and tensorflow/core/example/{example,feature}.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
HEAD, FOOT = 12, 4
"""Bytes before and after the data of a record: its length with a CRC, and the CRC of the data."""
BYTES, FLOATS, INTS = 1, 2, 3
"""Fields of tf.train.Feature."""


def _table() -> NDArray[np.uint32]:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), values >> np.uint32(1)).astype(np.uint32)
    return values


_TABLE = _table()
_PLAIN = _TABLE.tolist()
_LANES = 512


def _few(data: Any) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _PLAIN[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _advance(crcs: NDArray[np.uint32], zeros: int) -> NDArray[np.uint32]:
    """Return what registers become after so many zero bytes, by squaring: CRC is linear."""
    operator = _ONE_ZERO
    while zeros:
        if zeros & 1:
            crcs = _applied(operator, crcs)
        operator = _applied(operator, operator)
        zeros >>= 1
    return crcs


def _applied(operator: NDArray[np.uint32], registers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    out = np.zeros(len(registers), np.uint32)
    for bit in range(32):
        out ^= np.where((registers >> np.uint32(bit)) & np.uint32(1), operator[bit], np.uint32(0))
    return out


_UNITS = np.uint32(1) << np.arange(32, dtype=np.uint32)
_ONE_ZERO = (_TABLE[_UNITS & np.uint32(0xFF)] ^ (_UNITS >> np.uint32(8))).astype(np.uint32)


def _own_crc32c(data: Any) -> int:
    view = memoryview(data)
    if len(view) < 4096:
        return _few(view)
    # Lanes side by side in NumPy, then joined: byte by byte in Python, 100 KB take 10 ms.
    length = len(view) // _LANES
    body = np.frombuffer(view[:length * _LANES], np.uint8).reshape(_LANES, length).T
    registers = np.zeros(_LANES, np.uint32)
    registers[0] = 0xFFFFFFFF
    for column in body:
        registers = _TABLE[(registers ^ column) & np.uint32(0xFF)] ^ (registers >> np.uint32(8))
    span = length
    while len(registers) > 1:
        registers = _advance(registers[0::2], span) ^ registers[1::2]
        span *= 2
    crc = int(registers[0])
    for byte in view[length * _LANES:]:
        crc = _PLAIN[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _fastest() -> Callable[[Any], int]:
    try:
        import google_crc32c
    except ImportError:
        return _own_crc32c
    return lambda data: int(google_crc32c.value(bytes(data)))


crc32c = _fastest()


def masked(data: Any) -> int:
    """Return the CRC of bytes as the files hold it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """Return a record around its data."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", masked(length)), data, struct.pack("<I", masked(data))))


def is_record_head(head: Any) -> bool:
    """Say whether bytes begin with the head of a record."""
    return len(head) >= HEAD and masked(bytes(head[:8])) == struct.unpack_from("<I", head, 8)[0]


def walk_records(content: Any) -> Iterator[tuple[int, int]]:
    """Yield start and stop of the data of each record.

    Raises:
        ValueError: a length is wrong or the file is cut, in words; what comes after cannot be found.
    """
    at, size = 0, len(content)
    while at < size:
        if size - at < HEAD:
            raise ValueError(f"ends within the head of a record, at byte {at:,} of {size:,}")
        if not is_record_head(content[at:at + HEAD]):
            raise ValueError(f"the length at byte {at:,} has a wrong CRC; {size - at:,} bytes from there on are not read")
        length = struct.unpack_from("<Q", content, at)[0]
        if length > size - at - HEAD - FOOT:
            raise ValueError(f"the record at byte {at:,} has {length:,} bytes and the file ends before; it is cut")
        yield at + HEAD, at + HEAD + length
        at += HEAD + length + FOOT


def is_intact(content: Any, start: int, stop: int) -> bool:
    """Say whether the data of a record has the CRC that follows it."""
    return bool(masked(content[start:stop]) == struct.unpack_from("<I", content, stop)[0])


class Field(NamedTuple):
    """A field of a message: its number, its wire type, its value or the span of its bytes, and its own span."""

    number: int
    wire: int
    value: int
    start: int
    stop: int
    begin: int


def _varint(data: Any, at: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while at < stop:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            break
    raise ValueError("holds a number that does not end")


def fields(data: Any, start: int, stop: int) -> Iterator[Field]:
    """Yield the fields of a message; raises ValueError, in words, when it is none."""
    at = start
    while at < stop:
        begin = at
        key = data[at]  # nearly all numbers take one byte: a call for each takes half of the time of reading
        at += 1
        if key >= 0x80:
            key, at = _varint(data, begin, stop)
        wire = key & 7
        if wire == 0:
            value, end = _varint(data, at, stop)
            yield Field(key >> 3, wire, value, at, end, begin)
        elif wire == 2:
            length = data[at] if at < stop else 0x80
            if length >= 0x80:
                length, at = _varint(data, at, stop)
            else:
                at += 1
            end = at + length
            if end > stop:
                raise ValueError("holds a part that is longer than the whole")
            yield Field(key >> 3, wire, 0, at, end, begin)
        elif wire in (1, 5):
            end = at + (8 if wire == 1 else 4)
            if end > stop:
                raise ValueError("ends within a number")
            yield Field(key >> 3, wire, 0, at, end, begin)
        else:
            raise ValueError(f"has the wire type {wire}, which no message has")
        at = end


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of an example: its kind, where its list stands, and where its map entry stands."""

    kind: int
    start: int
    stop: int
    begin: int
    end: int


def _plain_entry(data: Any, entry: Field) -> tuple[str, Feature] | None:
    """Return an entry written as nearly all are: a short name, then one list."""
    at, stop = entry.start, entry.stop
    if stop - at < 4 or data[at] != 10 or data[at + 1] >= 0x80:
        return None
    value = at + 2 + data[at + 1]
    if value + 4 > stop or data[value] != 18:
        return None
    begin = _length_end(data, value + 1, stop)
    if begin is None or begin[0] + begin[1] != stop:
        return None
    kind = {10: BYTES, 18: FLOATS, 26: INTS}.get(data[begin[0]]) if begin[1] >= 2 else None
    inner = _length_end(data, begin[0] + 1, stop)
    if kind is None or inner is None or inner[0] + inner[1] != stop:
        return None
    return bytes(data[at + 2:value]).decode(errors="replace"), Feature(kind, inner[0], stop, entry.begin, stop)


def _length_end(data: Any, at: int, stop: int) -> tuple[int, int] | None:
    """Return where the bytes after a length begin, and the length, when it takes one or two bytes."""
    if at >= stop:
        return None
    if data[at] < 0x80:
        return at + 1, data[at]
    if at + 1 < stop and data[at + 1] < 0x80:
        return at + 2, (data[at] & 0x7F) | data[at + 1] << 7
    return None


def features(data: Any, start: int, stop: int) -> dict[str, Feature]:
    """Return the features of a tf.train.Example by name; of equal names the last, as protobuf has it.

    Raises:
        ValueError: it is none, in words.
    """
    found: dict[str, Feature] = {}
    for outer in fields(data, start, stop):
        if outer.number != 1 or outer.wire != 2:
            continue
        for entry in fields(data, outer.start, outer.stop):
            if entry.number != 1 or entry.wire != 2:
                continue
            quick = _plain_entry(data, entry)
            if quick is not None:
                found[quick[0]] = quick[1]
                continue
            name, value = "", None
            for part in fields(data, entry.start, entry.stop):
                if part.wire == 2 and part.number == 1:
                    name = bytes(data[part.start:part.stop]).decode(errors="replace")
                elif part.wire == 2 and part.number == 2:
                    value = part
            kind, list_start, list_stop = 0, 0, 0
            if value is not None:
                for one in fields(data, value.start, value.stop):
                    if one.wire == 2 and one.number in (BYTES, FLOATS, INTS):
                        kind, list_start, list_stop = one.number, one.start, one.stop
            found[name] = Feature(kind, list_start, list_stop, entry.begin, entry.stop)
    return found


def name_of_entry(data: Any, entry: Field) -> str | None:
    """Return the name of an entry of the map of features, None when it is no entry."""
    if entry.number != 1 or entry.wire != 2:
        return None
    names = [p for p in fields(data, entry.start, entry.stop) if p.wire == 2 and p.number == 1]
    return bytes(data[names[-1].start:names[-1].stop]).decode(errors="replace") if names else ""


def _packed(data: Any, feature: Feature) -> list[Any] | None:
    """Return the values of a list written as nearly all are: one packed part, or short texts one after the other."""
    at, stop = feature.start, feature.stop
    if feature.kind == BYTES:
        spans: list[Any] = []
        while at < stop:
            if data[at] != 10 or at + 1 >= stop or data[at + 1] >= 0x80:
                return None
            at += 2
            end = at + data[at - 1]
            if end > stop:
                return None
            spans.append((at, end))
            at = end
        return spans
    if stop - at < 2 or data[at] != 10 or data[at + 1] >= 0x80 or at + 2 + data[at + 1] != stop:
        return None
    at += 2
    if feature.kind == FLOATS:
        count, rest = divmod(stop - at, 4)
        return None if rest else list(struct.unpack(f"<{count}f", data[at:stop]))
    numbers = bytes(data[at:stop])
    return None if max(numbers, default=0) >= 0x80 else list(numbers)


def values_of(data: Any, feature: Feature | None) -> list[Any]:
    """Return the values of a feature: bytes, floats or whole numbers; bytes come as (start, stop) spans."""
    if feature is None or not feature.kind:
        return []
    plain = _packed(data, feature)
    if plain is not None:
        return plain
    out: list[Any] = []
    for part in fields(data, feature.start, feature.stop):
        if part.number != 1:
            continue
        if feature.kind == BYTES:
            if part.wire == 2:
                out.append((part.start, part.stop))
        elif feature.kind == FLOATS:
            if part.wire == 2:
                if (part.stop - part.start) % 4:
                    raise ValueError("holds a list of floats that is cut")
                out.extend(struct.unpack(f"<{(part.stop - part.start) // 4}f", data[part.start:part.stop]))
            elif part.wire == 5:
                out.append(float(struct.unpack_from("<f", data, part.start)[0]))
        elif part.wire == 0:
            out.append(_signed(part.value))
        elif part.wire == 2:
            at = part.start
            while at < part.stop:
                value, at = _varint(data, at, part.stop)
                out.append(_signed(value))
    return out


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
