-- Tools by workflow and model that were offered in at least $enough conversations of the window, and
-- that no call of the workflow in the ledger ever called. By the rule of three, fewer than one in
-- a hundred conversations needs such a tool (95 %).
with sets as (
    select
        calls.workflow,
        calls.provider_id,
        calls.model_id,
        calls.tools_hash,
        count(distinct calls.conversation) as conversations,
        count(*) as calls,
        sum(calls.cost) as cost,
        any_value(calls.call_id) as call_id
    from calls
    where calls.ok and calls.tools_hash is not null and calls.cost > 0 and calls.model_id is not null
    group by all
),

offered as (
    select
        sets.* exclude (call_id),
        unnest(charges.tools_offered) as tool,
        unnest(charges.tools_offered_bytes) as bytes
    from sets
    inner join charges using (call_id)
    where len(charges.tools_offered) = len(charges.tools_offered_bytes)
),

called as (
    select distinct
        workflow,
        unnest(tool_names) as tool
    from charges
)

select
    workflow,
    provider_id,
    model_id,
    tool,
    sum(conversations)::bigint as conversations,
    sum(calls)::bigint as calls,
    sum(cost) as cost,
    max(bytes)::bigint as bytes,
    list(tools_hash order by tools_hash) as tool_sets
from offered
where
    workflow in (select workflow from called)
    and (workflow, tool) not in (select (workflow, tool) from called)
group by all
having sum(conversations) >= $enough
order by workflow, provider_id, model_id, bytes desc, tool
