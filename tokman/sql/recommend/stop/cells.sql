-- What each rule found in each workflow, the model on which most of it was spent, and what all calls
-- of the workflow cost.
with found as (
    select
        stopped.*,
        calls.workflow,
        calls.day,
        calls.error_type,
        strftime(calls.seen_at, '%H:%M') as clock,
        calls.provider_id,
        calls.model_id,
        calls.cost
    from stopped
    inner join calls using (call)
    where calls.cost > 0
),

models as (
    select
        rule,
        workflow,
        provider_id,
        model_id
    from found
    group by rule, workflow, provider_id, model_id
    qualify row_number() over (
        partition by rule, workflow
        order by sum(cost) desc, provider_id, model_id
    ) = 1
),

spending as (
    select
        calls.workflow,
        sum(calls.cost) as spent
    from calls
    where coalesce(calls.workflow, '') in (select coalesce(workflow, '') from found)
    group by calls.workflow
)

select
    found.rule,
    found.workflow,
    any_value(models.provider_id) as provider_id,
    any_value(models.model_id) as model_id,
    count(*) as calls,
    count(distinct found.episode) as episodes,
    count(distinct found.day) as days,
    count(distinct found.model_id) as models,
    sum(found.cost) as cost,
    max(found.size) as size,
    mode(found.size order by found.size) as usual_size,
    max(found.measure) as measure,
    mode(found.error_type order by found.error_type) as usual_error,
    mode(found.clock order by found.clock) as usual_time,
    any_value(spending.spent) as spent
from found
inner join spending on spending.workflow is not distinct from found.workflow
inner join models
    on models.rule = found.rule
    and models.workflow is not distinct from found.workflow
group by found.rule, found.workflow
having sum(found.cost) >= $least
order by cost desc, found.rule, found.workflow
