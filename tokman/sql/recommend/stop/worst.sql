-- The three dearest episodes of each rule in each workflow, and where in the logs they begin.
with episodes as (
    select
        stopped.rule,
        calls.workflow,
        count(*) as calls,
        sum(calls.cost) as cost,
        min(calls.seen_at) as began,
        arg_min(calls.call_id, (calls.seen_at, calls.call_id)) as first_id
    from stopped
    inner join calls using (call)
    where calls.cost > 0
    group by stopped.rule, calls.workflow, stopped.episode
),

dearest as (
    select *
    from episodes
    qualify row_number() over (
        partition by rule, workflow
        order by cost desc, began, first_id
    ) <= 3
)

select
    dearest.*,
    charges.conversation_id,
    charges.file,
    charges.line,
    charges.tool_names
from dearest
inner join charges on charges.call_id = dearest.first_id
order by cost desc, began, first_id
