-- What each hour of the day costs in the time zone $tz, and the part of it that could be at another
-- hour: the calls of the workflows in $patient, which wait for nobody.
select
    extract(hour from timezone($tz, timezone('UTC', calls.seen_at)))::integer as hour_of_day,
    count(*) as calls,
    sum(calls.cost) as cost,
    count(*) filter (patient) as shiftable_calls,
    coalesce(sum(calls.cost) filter (patient), 0) as shiftable_cost
from calls,
    lateral (select list_contains($patient::varchar[], calls.workflow) as patient)
where calls.seen_at is not null
group by hour_of_day
order by hour_of_day
