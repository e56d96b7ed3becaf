-- Lines of buckets that the batch states too, of which a later statement has been read: it stands
-- for the bucket as a whole, so that a line which it has no more goes, whatever the order. A filtered
-- export leaves out whole projects, keys or users: what it says nothing of stays. So does all of a
-- bucket that comes without results: it tells neither its endpoint nor how it was filtered.
with stated as (
    select
        *,
        [
            source, coalesce(account_id, ''), kind, part, view,
            coalesce(project, ''), coalesce(api_key_id, ''), coalesce(user_id, ''),
            period_start::varchar, period_end::varchar
        ] as bucket
    from read_parquet($files)
    where
        source in (select unnest($bucketed))
        and part <> 'claude_code'
        and (source, period_start, period_end)
        in (select (source, period_start, period_end) from batch)
)

select statement_id
from stated
qualify issued_at < max(issued_at) over (partition by bucket)
