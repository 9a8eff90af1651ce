"""How a record is packed, as the end of its name says: in frames, each of which can be read alone."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, NamedTuple, Protocol

_PIECE = 2**16
"""Bytes that are read, and that are unpacked, at once: a few packed ones may come to gigabytes."""


class PackingError(ValueError):
    """A file that is not packed as its name says, or is damaged; the message does not name it."""


class Frame(Protocol):
    """A frame that is being written."""

    def add(self, text: bytes) -> bytes:
        """Return bytes to append: with them all text so far can be read."""

    def end(self) -> bytes:
        """Return the bytes behind which another frame may begin."""


class Unpacker(Protocol):
    """A frame that is being read.

    Attributes:
        rest: of what was given, what stands behind the frame's end; None as long as that has not come.
    """

    rest: bytes | None

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """Yield the text of these bytes, of :data:`_PIECE` bytes at most each.

        Raises:
            PackingError: they are none of this packing.
        """


class Packing(NamedTuple):
    """A way to pack.

    Attributes:
        suffix: of the names of files that are packed so.
        name: what packs so.
        begins: the first bytes of each frame.
        frame: begins a frame.
        unpacker: begins to read one.
    """

    suffix: str
    name: str
    begins: bytes
    frame: type[Frame]
    unpacker: type[Unpacker]


class Piece(NamedTuple):
    """A part of a file's text.

    Attributes:
        text: it, which may be empty.
        end: of the frame that ends with it, the offset in the file behind it; None within a frame.
    """

    text: bytes
    end: int | None


def packing_of(path: Path) -> Packing | None:
    """Return how a file of this name is packed; None for one that is text."""
    return next((each for each in _PACKINGS if each.suffix == path.suffix.lower()), None)


def packing_by_content(beginning: bytes) -> Packing | None:
    """Return how a file that begins so is packed; None where it is text."""
    return next((each for each in _PACKINGS if beginning.startswith(each.begins)), None)


def unpack(file: BinaryIO, packing: Packing) -> Iterator[Piece]:
    """Yield the text of a file from its place on, frame by frame; one that is cut off, as far as it goes.

    Raises:
        PackingError: it is damaged, or not packed so.
    """
    unpacker: Unpacker | None = None
    try:
        while packed := file.read(_PIECE):
            rest: bytes | None = packed
            while rest:
                if unpacker is None:
                    rest += file.read(len(packing.begins)) if len(rest) < len(packing.begins) else b""
                    unpacker = packing.unpacker()
                    if len(rest) < len(packing.begins) and not packing.begins.startswith(rest):
                        raise PackingError("too short for a frame")  # noqa: TRY301 - as what unpacks says it
                yield from (Piece(text, None) for text in unpacker.pieces(rest))
                rest = unpacker.rest
                if rest is not None:
                    yield Piece(b"", file.tell() - len(rest))
                    unpacker = None
    except PackingError as error:
        raise PackingError(f"it is damaged, or not packed by {packing.name}: {error}") from None


class _GzipFrame:
    def __init__(self) -> None:
        self._packer = zlib.compressobj(wbits=_GZIP)  # its header has no name and no time

    def add(self, text: bytes) -> bytes:
        return self._packer.compress(text) + self._packer.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._packer.flush()


class _GzipUnpacker:
    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=_GZIP)
        self.rest: bytes | None = None

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        try:
            more = True
            while more and not self._unpacker.eof:
                text = self._unpacker.decompress(packed, _PIECE)
                yield text
                packed = self._unpacker.unconsumed_tail
                more = bool(packed) or len(text) == _PIECE
        except zlib.error as error:
            raise PackingError(str(error)) from None
        if self._unpacker.eof:
            self.rest = self._unpacker.unused_data


class _ZstdFrame:
    def __init__(self) -> None:
        zstd = _zstd()
        self._packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1})

    def add(self, text: bytes) -> bytes:
        packed: bytes = self._packer.compress(text, self._packer.FLUSH_BLOCK)
        return packed

    def end(self) -> bytes:
        packed: bytes = self._packer.flush()
        return packed


class _ZstdUnpacker:
    def __init__(self) -> None:
        zstd = _zstd()
        self._unpacker, self._error = zstd.ZstdDecompressor(), zstd.ZstdError
        self.rest: bytes | None = None

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        try:
            yield self._unpacker.decompress(packed, _PIECE)
            while not (self._unpacker.eof or self._unpacker.needs_input):
                yield self._unpacker.decompress(b"", _PIECE)
        except self._error as error:
            raise PackingError(str(error)) from None
        if self._unpacker.eof:
            self.rest = self._unpacker.unused_data


def _zstd() -> ModuleType:
    """Import what is in the standard library from Python 3.14 on, when a record is packed by it."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


_GZIP = 31
"""zlib's number for gzip's header and the largest window."""

_PACKINGS = (
    Packing(".gz", "gzip", b"\x1f\x8b", _GzipFrame, _GzipUnpacker),
    Packing(".zst", "zstd", b"\x28\xb5\x2f\xfd", _ZstdFrame, _ZstdUnpacker),
)
