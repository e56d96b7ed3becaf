"""One commit: sightings of calls become priced rows, each call once, whatever came before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tokman import rates, sidecars, sources, sql, statement
from tokman.usage import QUANTITIES, arrow_schema, stored_schema

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import pyarrow as pa

    from tokman.ledger import Ledger
    from tokman.pieces import Origin
    from tokman.rates import Card

PLACE = ("source", "file", "line")
"""Where a call was read, which changes nothing about the call."""

BESIDE = "also_seen, matched_ids"
"""What only a row of the ledger has of a call, beside its usage."""

PRICED_BY = (
    "provider_name",
    "request_model",
    "response_model",
    "started_at",
    "service_tier",
    "speed",
    "inference_geo",
    "response_cache_hit",
    "status",
    "output_basis",
    *QUANTITIES,
    "reasoning_output_tokens",
)
"""What a price depends on."""


class Committed(msgspec.Struct):
    """Calls a commit added, completed (another log knew more), and found as they were."""

    added: int = 0
    completed: int = 0
    known: int = 0
    corrected: int = 0
    removed: int = 0
    kept: int = 0
    """These three as in `Ingested`."""


def commit(
    ledger: Ledger, incoming: pa.Table, card: Card, ingest_id: str, origin: Origin | None = None
) -> Committed:
    """Make the sightings in `incoming` (columns of `arrow_schema()`) part of the ledger; calls that
    are of no run of a suite are then of `origin`.

    Repeating a commit, or dying in the middle of it and repeating it, changes nothing more.
    """
    with ledger.lock():
        work = Work(ledger, card, ingest_id, origin)
        incoming = work.renamed(incoming)
        plain = work.gather(incoming)
        incoming = work.made_by(incoming)
        calls = plain.true_count + work.count("select count(*) from merged")
        completed = work.complete()
        added = work.add(incoming, plain)
        ledger.compact()
        return Committed(added=added, completed=completed, known=calls - added - completed)


def commit_statements(ledger: Ledger, incoming: pa.Table, ingest_id: str) -> int:
    """Make the lines in `incoming` (columns of `statement.arrow_schema()`) part of the statements.

    Of a line stated several times the one issued last stands. Returns how many lines are new or
    changed; repeating a commit changes nothing more.
    """
    from tokman.query import database

    with ledger.lock():
        connection = database()
        connection.register("batch", incoming)
        files = ledger.files("statements")
        if files:
            connection.execute(
                "create temp table known as from read_parquet($files) "
                "where statement_id in (select statement_id from batch)",
                {"files": files},
            )
        else:
            connection.register("none_known", statement.stored_schema().empty_table())
            connection.execute("create temp table known as from none_known")
        connection.execute("create temp table fresh as " + sql.text("restate"))
        schema = statement.stored_schema()
        for name, where in (("replace", "in"), ("append", "not in")):
            rows = connection.sql(
                "select *, $ingest as ingest_id from fresh "
                f"where statement_id {where} (select statement_id from known) "
                "order by period_start, statement_id",
                params={"ingest": ingest_id},
            ).to_arrow_table()
            if rows.num_rows:
                getattr(ledger, name)(rows.select(schema.names).cast(schema), "statements")
        ledger.compact("statements")
        return int(connection.execute("select count(*) from fresh").fetchall()[0][0])


def withdraw(ledger: Ledger, read_at: dict[str, datetime]) -> int:
    """Take out the lines of bills that files written over no longer hold; how many. `read_at`: path
    of each file, read to its end, → the time it was last changed, UTC without a zone.

    A bill that is exported again to the same place restates its account and period as a whole, and
    so do pages of buckets; a line they have left out is no longer billed.
    """
    from tokman.query import database

    with ledger.lock():
        files = ledger.files("statements")
        if not files:
            return 0
        params: dict[str, Any] = {"files": files, "bucketed": sources.of_buckets()}
        params |= {"paths": list(read_at), "times": list(read_at.values())}
        found = database().sql(sql.text("withdrawn"), params=params).to_arrow_table()
        if found.num_rows:
            ledger.take_out(found["statement_id"], "statements")
        return int(found.num_rows)


def supersede(ledger: Ledger, incoming: pa.Table) -> int:
    """Take out the lines of buckets, among those of which `incoming` has lines, that a later
    statement of the same bucket no longer has; how many."""
    from tokman.query import database

    bucketed = sources.of_buckets()
    if not set(incoming["source"].unique().to_pylist()) & set(bucketed):
        return 0
    with ledger.lock():
        connection = database()
        connection.register("batch", incoming)
        params = {"files": ledger.files("statements"), "bucketed": bucketed}
        found = connection.sql(sql.text("superseded"), params=params).to_arrow_table()
        if found.num_rows:
            ledger.take_out(found["statement_id"], "statements")
        return int(found.num_rows)


def priced_anew(ledger: Ledger, calls: pa.Table, card: Card) -> pa.Table:
    """The calls with what they cost by `card`; columns that no ledger stores stay as they are."""
    priced = Work(ledger, card, "").priced(calls)
    for name in set(calls.schema.names) - set(priced.schema.names):
        priced = priced.append_column(name, calls[name])
    return priced


def counted_anew(ledger: Ledger, calls: pa.Table, card: Card) -> None:
    """Put calls in the place of those with the same ids, priced by `card`; under the lock."""
    work = Work(ledger, card, "")
    priced = work.priced(calls)
    place = priced.schema.get_field_index("ingest_id")
    ledger.replace(priced.set_column(place, "ingest_id", calls["ingest_id"]))


class Work:
    """The steps, over one private DuckDB."""

    def __init__(
        self, ledger: Ledger, card: Card, ingest_id: str, origin: Origin | None = None
    ) -> None:
        from tokman.query import database

        self.ledger, self.card, self.ingest_id, self.origin = ledger, card, ingest_id, origin
        self.connection: duckdb.DuckDBPyConnection = database()

    def renamed(self, incoming: pa.Table) -> pa.Table:
        """Calls that were matched with another log's before, under the id they then got."""
        import pyarrow.compute as pc

        files = self.ledger.files() if incoming.num_rows else []
        if not files:
            return incoming
        self.connection.execute("create temp table matched as " + sql.text("matched"), [files])
        matched = self.ask("from matched")
        index = pc.index_in(incoming["call_id"], value_set=matched["matched_id"])
        if index.null_count == len(index):
            return incoming
        names = pc.coalesce(pc.take(matched["call_id"], index), incoming["call_id"])
        place = incoming.schema.get_field_index("call_id")
        return incoming.set_column(place, incoming.schema.field(place), names)

    def gather(self, incoming: pa.Table) -> pa.BooleanArray:
        """Which rows are calls seen once and new to the ledger; the others, of which there are two
        sightings or more, are in table `merged`, and their rows in the ledger in table `known`."""
        import pyarrow.compute as pc

        self.connection.register("batch", incoming)
        self.recall(incoming)
        self.connection.execute(
            "create temp table seen_before as "
            "select call_id from batch group by call_id having count(*) > 1 "
            "union select call_id from known"
        )
        names = ", ".join(arrow_schema().names)
        self.merge(
            f"select {names} from batch where call_id in (from seen_before) "
            f"union all by name select {names}, {BESIDE} from known"
        )
        calls = incoming["call_id"].combine_chunks()
        return pc.invert(pc.is_in(calls, value_set=self.ask("from seen_before")["call_id"]))

    def merge(self, sightings: str) -> None:
        """Make table `merged`: one row a call out of these sightings."""
        self.connection.execute("create temp view sightings as " + sightings)
        self.connection.register("merged", self.made_by(self.ask(sql.text("merge"))))

    def made_by(self, calls: pa.Table) -> pa.Table:
        """The calls, those of no run now of `origin`, and those of its run that state no case of
        its case."""
        import pyarrow.compute as pc

        origin = self.origin
        if origin is None:
            return calls
        ours = pc.is_null(calls["run_id"])
        for name in ("run_id", "git_commit", "git_branch", "case_id"):
            value = getattr(origin, name)
            if value is not None:
                if name == "case_id":
                    ours = pc.equal(calls["run_id"], origin.run_id)
                empty = pc.and_(ours, pc.is_null(calls[name]))
                place = calls.schema.get_field_index(name)
                calls = calls.set_column(place, name, pc.if_else(empty, value, calls[name]))
        return calls

    def recall(self, incoming: pa.Table) -> None:
        """Make table `known`: the rows of the ledger that `batch` sees again, at whatever date."""
        run = self.connection.execute
        if incoming.num_rows:
            ids, files = incoming["call_id"], self.ledger.files()
            files = sidecars.holding(self.connection, self.ledger.folder, files, ids)
            if files:
                rows = "from read_parquet($files) where call_id in (select call_id from batch)"
                run("create temp table known as " + rows, {"files": files})
                return
        self.connection.register("none_known", stored_schema().empty_table())
        run("create temp table known as from none_known")

    def complete(self) -> int:
        """Bring known calls up to date where the batch knows more of them."""
        names = ", ".join(arrow_schema().names)
        self.connection.execute(
            f"create temp table completed as select {names}, {BESIDE} from merged where call_id "
            f"in (select call_id from known) except select {names}, {BESIDE} from known"
        )
        completed = self.ask("from completed")
        if not completed.num_rows:
            return 0
        days = "select min(day), max(day) from known semi join completed using (call_id)"
        first, last = self.connection.execute(days).fetchall()[0]
        self.ledger.replace(self.settled(completed), days=(first, last))
        facts = ", ".join(name for name in arrow_schema().names if name not in PLACE)
        return self.count(
            f"select count(*) from (select {facts} from completed except select {facts} from known)"
        )

    def settled(self, completed: pa.Table) -> pa.Table:
        """The rows as they are stored; what a price depends on being as it was in `known`, at the
        price they had."""
        self.connection.register("repriced", self.priced(completed))
        same = (f"repriced.{name} is not distinct from known.{name}" for name in PRICED_BY)
        self.connection.execute(
            f"create temp table annotated as {sql.text('annotated')} where {' and '.join(same)}"
        )
        settled = self.ask(
            "from repriced where call_id not in (select call_id from annotated) "
            "union all by name from annotated"
        )
        return settled.select(stored_schema().names)

    def add(self, incoming: pa.Table, plain: pa.BooleanArray) -> int:
        """Append the calls the ledger does not have, by time."""
        import pyarrow as pa

        merged = self.ask("from merged where call_id not in (select call_id from known)")
        schema = pa.schema([stored_schema().field(name) for name in merged.schema.names])
        calls = pa.concat_tables([incoming, merged.cast(schema)], promote_options="default")
        fresh = _by_time(calls, pa.concat_arrays([plain, pa.repeat(True, merged.num_rows)]))
        if fresh.num_rows:
            self.ledger.append(self.priced(fresh))
        return int(fresh.num_rows)

    def priced(self, usage: pa.Table) -> pa.Table:
        """The rows with what they cost, as they are stored."""
        import pyarrow as pa
        import pyarrow.compute as pc

        place = pa.array(range(usage.num_rows), pa.int64())
        self.connection.register("placed", usage.select(PRICED_BY).append_column("place", place))
        rates.price(self.connection, self.card, "placed", "costs", keep=("place",))
        costs = self.ask("from costs order by place")
        columns: dict[str, Any] = {name: usage[name] for name in usage.schema.names}
        columns |= {name: costs[name] for name in rates.MONEY}
        for name in BESIDE.split(", "):
            columns.setdefault(name, pa.nulls(usage.num_rows))
        columns["day"] = pc.cast(usage["started_at"], pa.date32(), safe=False)
        for name, value in (("rate_card", self.card.version), ("ingest_id", self.ingest_id)):
            columns[name] = pa.repeat(pa.scalar(value, pa.string()), usage.num_rows)
        schema = stored_schema()
        return pa.table({name: columns[name] for name in schema.names}).cast(schema)

    def ask(self, question: str) -> pa.Table:
        """The answer as a table."""
        return self.connection.sql(question).to_arrow_table()

    def count(self, question: str) -> int:
        """A single number."""
        return int(self.connection.execute(question).fetchall()[0][0])


def _by_time(calls: pa.Table, chosen: pa.BooleanArray) -> pa.Table:
    """The chosen calls in order of time; most logs are written in it."""
    import pyarrow.compute as pc

    times = calls["started_at"]
    in_order = pc.less(times.slice(0, len(times) - 1), times.slice(1))
    if chosen.true_count == len(chosen) and pc.all(in_order).as_py():
        return calls
    order = pc.sort_indices(
        calls, sort_keys=[("started_at", "ascending"), ("call_id", "ascending")]
    )
    return calls.take(order.filter(chosen.take(order)))
