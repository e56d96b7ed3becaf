-- Rows of the ledger that the batch sees again. Two logs date the same call within days of each
-- other, so only that part of the table is read, unless a side has no time of its own.
select *
from read_parquet($files)
where
    call_id in (select call_id from batch)
    and (
        time_basis = 'file'
        or (select bool_or(time_basis = 'file') from batch)
        or started_at between $earliest and $latest
    )
