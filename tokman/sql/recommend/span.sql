-- First and last call and the calendar days (UTC) they span, both counted; by the times of files
-- only where no log states any.
select
    coalesce(min(calls.seen_at), min(calls.started_at)) as start,
    coalesce(max(calls.seen_at), max(calls.started_at)) as "end",
    cast("end" as date) - cast(start as date) + 1 as days
from calls
