-- The outcomes by kind and key: how many, how many a success, how many that some call belongs to,
-- and those calls.
with calls as (
    select
        outcome_id,
        count(*) as calls
    from outcome_calls
    group by outcome_id
)

select
    outcome,
    key,
    count(*) as outcomes,
    count(*) filter (success) as successes,
    count(calls) as joined,
    coalesce(sum(calls), 0)::bigint as calls
from outcomes
left join calls using (outcome_id)
group by all
order by all
