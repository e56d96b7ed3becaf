-- Charges with the calendar of one time zone; `local` is the wall clock there. None is `stated`:
-- those are lines of a provider's statements, which may join them (stated.sql).
select
    charges.* exclude (day),
    1 as calls,
    false as stated,
    local,
    cast(local as date) as day,
    strftime(local, '%G-W%V') as week,
    strftime(local, '%Y-%m') as month,
    date_trunc('hour', local) as hour,
    dayname(local) as weekday,
    extract(hour from local)::int as hour_of_day
from
    charges,
    lateral (select timezone($tz, timezone('UTC', started_at)) as local)
