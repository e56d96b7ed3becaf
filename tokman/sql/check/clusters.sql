-- What each cluster of `clustered` did, and what it cost at the prices of `priced`. An outcome that
-- several clusters worked on is told in the first of them.
with told as (
    select
        clustered.workflow,
        outcome_id,
        min(cluster) as cluster,
        bool_and(outcome_calls.success) as success
    from clustered
    inner join outcome_calls using (call_id)
    left join worth on worth.workflow is not distinct from clustered.workflow
    where outcome_calls.outcome = coalesce(worth.outcome, outcome_calls.outcome)
    group by clustered.workflow, outcome_id
    union all
    select
        clustered.workflow,
        'conversation ' || conversation as outcome_id,
        min(cluster) as cluster,
        bool_and(success) as success
    from clustered
    anti join outcome_calls using (call_id)
    left join worth on worth.workflow is not distinct from clustered.workflow
    where success is not null and worth.outcome is null
    group by clustered.workflow, conversation
),

judged as (
    select
        workflow,
        cluster,
        count(*) as judged,
        count(*) filter (success) as successes
    from told
    group by workflow, cluster
),

costs as (
    select
        workflow,
        cluster,
        any_value(case_id) as case_id,
        count(*) filter (status = 'ok') as calls,
        count(distinct conversation) filter (status = 'ok') as conversations,
        sum(contracted_cost) as cost,
        sum(input_tokens + output_tokens) as tokens
    from priced
    group by workflow, cluster
)

select
    costs.*,
    coalesce(judged, 0) as judged,
    coalesce(successes, 0) as successes
from costs
left join judged
    on judged.workflow is not distinct from costs.workflow and judged.cluster = costs.cluster
order by workflow, cost nulls first, tokens, costs.cluster
