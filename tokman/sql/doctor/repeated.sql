-- Rows that share a call's id, which a call has only one of.
with repeated as (
    select
        call_id,
        min(source) as source,
        count(*) - 1 as calls,
        sum(list_cost) - max(list_cost) as cost
    from scope
    group by call_id
    having count(*) > 1
)

select
    source || ': more than one row has the same call id' as what,
    sum(calls)::bigint as calls,
    null::bigint as tokens,
    sum(cost) as at_stake
from repeated
group by source
