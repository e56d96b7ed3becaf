"""Tables: rows of CSV and Parquet by column name, and those of databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tokman import databases, tables
from tokman.reading.records import decoded
from tokman.reading.sink import Sink, names
from tokman.rows import BATCH
from tokman.sources import claimants, sources
from tokman.sources.base import ByColumn, FromTables, Record, Source


def table(sink: Sink, found: tables.Table) -> None:
    """A table, told by the names of its columns: by column where its source can."""
    if sink.source is None:
        claims = [claim for claim in claimants(found.sample) if claim.from_row is not None]
        if len(claims) > 1:
            sink.reject(0, f"claimed by {names(claims)}; choose with --source")
        if len(claims) != 1:
            return
        sink.use(claims[0])
    assert sink.source is not None
    if isinstance(sink.source, ByColumn):
        for batch in found.batches(sink.source.columns):
            sink.keep(sink.source.parse_columns(batch.columns, batch.lines), sink.source.name)
            sink.outcome.lines = batch.lines[-1]
        return
    convert = type(sink.source).from_row
    if convert is None:
        sink.reject(0, f"{sink.source.name} is not read from tables")
        return
    parse, name = sink.source.parse, sink.source.name
    read: list[Record] = []
    try:
        for number, row in found.rows():
            try:
                read.extend(parse(convert(row), number))
            except ValueError as error:
                sink.keep(read, name)
                read.clear()
                sink.reject(number, str(error))
            sink.outcome.lines = number
            if len(read) >= BATCH:
                sink.keep(read, name)
                read.clear()
    finally:
        sink.keep(read, name)


def database(sink: Sink, path: Path) -> None:
    """The tables of an SQLite database that a source asks for, row by row."""
    try:
        found = databases.tables(path)
        for source in [type(sink.source)] if sink.source else sources():
            wanted = databases.wanted(found, getattr(source, "tables", {}))
            if wanted:
                with databases.opened(path) as connection:
                    _rows(sink, connection, source, wanted)
    except sqlite3.Error as error:
        sink.reject(0, f"not a readable database: {error}")
    sink.outcome.unknown = sink.source is None and not sink.outcome.rejects


def _rows(
    sink: Sink, connection: sqlite3.Connection, source: type[Source], tables: databases.Tables
) -> None:
    """The rows of these tables, if `source` claims the first of them."""
    assert issubclass(source, FromTables)
    number = 0
    for table, columns in tables.items():
        for row in databases.rows(connection, table, columns):
            number += 1
            try:
                text = source.from_table(table, row)
                if sink.source is None:
                    if not source.matches(decoded(text) or {}):
                        return
                    sink.use(source)
                assert sink.source is not None
                record = sink.decoder.decode(text)
                sink.take(sink.source.parse(record, number), number, source.name)
            except (ValueError, RecursionError) as error:
                sink.reject(number, str(error))
    sink.outcome.lines = number
