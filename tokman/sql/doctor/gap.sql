-- Days on which a source is silent though it logs on four in five workdays, or weekend days, between
-- its first and its last. At stake is what such a day usually costs.
with active as (
    select
        source,
        day,
        sum(list_cost) as cost
    from scope
    where time_basis = 'log'
    group by source, day
),

calendar as (
    select
        source,
        unnest(generate_series(min(day), max(day), interval 1 day))::date as day
    from active
    group by source
),

days as (
    select
        calendar.source,
        calendar.day,
        isodow(calendar.day) > 5 as weekend,
        active.day is null as silent,
        active.cost
    from calendar
    left join active using (source, day)
),

habits as (
    select
        source,
        list(day order by day) filter (silent) as silent_days,
        (avg(cost) * count(*) filter (silent))::decimal(18, 2) as cost
    from days
    group by source, weekend
    having count(*) >= 5 and count(*) filter (silent) between 1 and count(*) // 5
)

select
    source || ': silent on ' || array_to_string(flatten(list(silent_days))[:3], ', ')
    || case
        when sum(len(silent_days)) > 3 then ' and ' || (sum(len(silent_days)) - 3) || ' more days'
        else ''
    end as what,
    null::bigint as calls,
    null::bigint as tokens,
    sum(cost) as at_stake
from habits
group by source
