from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportHeader(_message.Message):
    __slots__ = ("format", "epoch", "revision", "version")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    format: int
    epoch: str
    revision: int
    version: str
    def __init__(self, format: _Optional[int] = ..., epoch: _Optional[str] = ..., revision: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class ExportEntry(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class ExportEntries(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[ExportEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[ExportEntry, _Mapping]]] = ...) -> None: ...

class ExportFooter(_message.Message):
    __slots__ = ("entries", "digest")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    entries: int
    digest: str
    def __init__(self, entries: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("header", "entries", "footer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FOOTER_FIELD_NUMBER: _ClassVar[int]
    header: ExportHeader
    entries: ExportEntries
    footer: ExportFooter
    def __init__(self, header: _Optional[_Union[ExportHeader, _Mapping]] = ..., entries: _Optional[_Union[ExportEntries, _Mapping]] = ..., footer: _Optional[_Union[ExportFooter, _Mapping]] = ...) -> None: ...

class ImportRequest(_message.Message):
    __slots__ = ("part",)
    PART_FIELD_NUMBER: _ClassVar[int]
    part: ExportResponse
    def __init__(self, part: _Optional[_Union[ExportResponse, _Mapping]] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("entries", "token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: int
    token: str
    def __init__(self, entries: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Problem(_message.Message):
    __slots__ = ("kind", "key", "text", "error")
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    kind: str
    key: str
    text: str
    error: bool
    def __init__(self, kind: _Optional[str] = ..., key: _Optional[str] = ..., text: _Optional[str] = ..., error: _Optional[bool] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("problems", "keys", "revision", "done")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    keys: int
    revision: int
    done: bool
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., keys: _Optional[int] = ..., revision: _Optional[int] = ..., done: _Optional[bool] = ...) -> None: ...
