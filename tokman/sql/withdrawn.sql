-- Lines of bills, and of buckets ($bucketed: their sources), that were read in a file and are in it no more: of the accounts and the days that
-- what it holds at $times covers, from its first day to the end of its last period. Only where the
-- file's own time dates its lines: an export that dates each line, as Google's, adds to what it said.
with held as (
    select
        statement_id,
        source,
        file,
        kind,
        part,
        coalesce(account_id, '') as account,
        period_start,
        period_end,
        issued_at,
        read_at
    from read_parquet($files)
    inner join (select unnest($paths) as file, unnest($times) as read_at) using (file)
    where part = 'costs' and view = 'lines' or source in (select unnest($bucketed))
),

covered as (
    select
        source,
        file,
        kind,
        part,
        account,
        date_trunc('day', min(period_start)) as since,
        max(period_end) as until
    from held
    where issued_at = read_at
    group by all
)

select statement_id
from held
inner join covered using (source, file, kind, part, account)
where issued_at < read_at and period_start >= since and period_start < until
