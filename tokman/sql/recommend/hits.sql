-- A sample of what a rule found, one row a conversation (or a call of none): equally many from each
-- third of the dollars, in an order that has nothing to do with them.
with found as (
    select
        calls.conversation,
        arg_min(calls.call_id, (calls.started, calls.call_id)) as hit,
        count(*) as calls,
        sum(savings.amount) as saved
    from savings
    inner join (
        select
            *,
            coalesce(seen_at, timestamp '1970-01-01') as started
        from calls
    ) as calls using (call)
    where savings.lever = $lever and list_contains($cells::integer[], savings.cell)
    group by calls.conversation
    having sum(savings.amount) > 0
),

thirds as (
    select
        *,
        least(2, floor(3 * (sum(saved) over (order by saved desc, hit) - saved)
        / sum(saved) over ())::integer) as third
    from found
),

picked as (
    select *
    from thirds
    where not list_contains($without::varchar[], hit)
    qualify row_number() over (partition by third order by md5(hit)) <= ceil($shown / 3)
)

select
    picked.hit,
    charges.workflow,
    case when charges.time_basis = 'log' then charges.started_at end as at,
    picked.calls,
    picked.saved,
    charges.source,
    charges.file,
    charges.line
from picked
inner join charges on charges.call_id = picked.hit
order by picked.saved desc, picked.hit
limit $shown
