-- Calls of the ledger that the batch sees again. Two logs date the same call within days of each
-- other, so only that part of the table is read, and what has no time of its own: as two conditions
-- on one column each, by which whole files are passed over.
select call_id
from read_parquet($files)
where call_id in (select call_id from batch) and started_at between $earliest and $latest

union

select call_id
from read_parquet($files)
where call_id in (select call_id from batch) and time_basis = 'file'
