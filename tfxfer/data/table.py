"""Reading a CSV or TSV file whole, with the line of every row, and refusals that name the repair."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from dataclasses import dataclass
from pathlib import Path

from tfxfer.data.problems import shown
from tfxfer.errors import DataError

REPAIR = "Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8'; in a shell: iconv -f LATIN1 -t UTF-8)."
DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line it starts on; `values` has as many entries as the file gave."""

    line: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows below it."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str


def read_table(path: Path, name: str) -> Table:
    """Read a manifest: UTF-8 with or without a byte order mark, or UTF-16 with one; LF or CRLF; a header
    row first.

    Raises:
        DataError: it cannot be read, is not UTF-8, is no well-formed table, or lacks a required column.
    """
    delimiter = DELIMITERS[path.suffix.lower()]
    rows = _parse(_decode(_read(path, name), name), delimiter, name)
    if not rows:
        raise DataError(
            f"'{name}' must start with a header row such as path,label. Received: an empty file. Write it."
        )
    columns = tuple(column.strip() for column in rows[0].values)
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise DataError(
            f"'{name}', line 1: columns must differ. Received: {shown(columns, limit=20)}. "
            f"Rename one of the '{repeated[0]}'."
        )
    table = Table(columns, tuple(rows[1:]), delimiter)
    require_column(table, "path", name)
    return table


def require_column(table: Table, column: str, name: str) -> None:
    """Raises DataError, with the nearest column that is there, where `table` has no such column."""
    if column not in table.columns:
        raise DataError(
            f"'{name}', line 1: the column '{column}' is required. "
            f"Received: {shown(table.columns, limit=20)}. {_column_hint(column, table)}"
        )


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"'{name}' must be readable. Received: {error.strerror}. Check the path.") from error


def _decode(data: bytes, name: str) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"'{name}' must be UTF-8 or UTF-16. Received: UTF-32. {REPAIR}")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "ignore").count("\n") + 1
        raise DataError(
            f"'{name}' must be UTF-8, or UTF-16 with a byte order mark. Received: line {line} with byte "
            f"0x{data[error.start]:02x}, which is not. {REPAIR}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"'{name}' must be UTF-8 text. Received: a zero byte in line {line}. {REPAIR}")
    return text


def _parse(text: str, delimiter: str, name: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                rows.append(Row(line, tuple(values)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"'{name}', line {line}: a row must be well-formed. Received: {error}. Close its quotes, and "
            "double those inside."
        ) from error
    return rows


def _column_hint(column: str, table: Table) -> str:
    columns = table.columns
    other = next((mark for mark in ",;\t|" if mark != table.delimiter and mark in columns[0]), None)
    if len(columns) == 1 and other is not None:
        return f"The columns seem to be separated by {other!r}; separate them by {table.delimiter!r}."
    near = difflib.get_close_matches(column, [text.lower() for text in columns], n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'? Rename it to '{column}'."
    return "Add it to the header row."
