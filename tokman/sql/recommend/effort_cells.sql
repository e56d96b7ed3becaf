-- Each step of a workflow on each model and reasoning effort: how much of the output is reasoning,
-- and what the answers without it look like. Columns are those of downgrade_cells, but `output_…`
-- and `written` are of the answers alone.
with seen as (
    select
        calls.provider_id,
        calls.model_id,
        coalesce(work_steps.step, 0) as step,
        coalesce(work_steps.steps, 0) as steps,
        coalesce(calls.reasoning_effort, '') as effort,
        calls.*,
        calls.output_tokens - calls.reasoning_output_tokens as answer,
        calls.reasoning_output_tokens as reasoned,
        calls.cost,
        calls.ok and calls.cost > 0 as paid
    from calls
    left join work_steps
        on work_steps.workflow is not distinct from calls.workflow
        and work_steps.prompt_hash = calls.prompt_hash
    where not calls.response_cache_hit and calls.model_id is not null and not calls.agent
),

reasoning as (
    select
        provider_id,
        model_id,
        workflow,
        step
    from seen
    group by all
    having sum(reasoned) > 0
),

thinking as (
    select seen.*
    from seen
    inner join reasoning
        on reasoning.provider_id = seen.provider_id
        and reasoning.model_id = seen.model_id
        and reasoning.workflow is not distinct from seen.workflow
        and reasoning.step = seen.step
),

answers as (
    select
        provider_id,
        model_id,
        workflow,
        step,
        effort,
        count(*) as times
    from thinking
    where paid and response_hash is not null
    group by provider_id, model_id, workflow, step, effort, response_hash
    qualify row_number() over (
        partition by provider_id, model_id, workflow, step, effort
        order by count(*) desc
    ) <= 50
),

common as (
    select
        provider_id,
        model_id,
        workflow,
        step,
        effort,
        count(*) as answers,
        sum(times) as answered
    from answers
    group by all
)

select
    thinking.provider_id,
    thinking.model_id,
    thinking.workflow,
    thinking.step,
    thinking.effort,
    max(thinking.steps) as steps,
    arg_min(thinking.call_id, thinking.seen_at) filter (thinking.step > 0) as first_call,
    count(*) as attempts,
    count(*) filter (thinking.paid) as calls,
    count(*) filter (thinking.paid and thinking.first_attempt) as first_attempts,
    count(*) filter (not thinking.ok or thinking.retry or thinking.cut) as failures,
    count(thinking.success) filter (thinking.first_attempt) as judged,
    count(*) filter (thinking.first_attempt and thinking.success) as successes,
    count(escalations.call) as escalations,
    count(distinct thinking.day) as days,
    min(thinking.seen_at) filter (thinking.paid) as first_seen,
    sum(thinking.cost) as cost,
    0 as agent_calls,
    0 as early,
    0 as media,
    count(*) filter (thinking.called_tools) as tool_calls,
    0 as tool_times,
    count(distinct thinking.conversation) as conversations,
    count(*) filter (thinking.structured_output) as structured,
    count(*) filter (thinking.embeds) as embeddings,
    sum(thinking.reasoned) filter (thinking.paid)::double as thought,
    sum(thinking.answer) filter (thinking.paid)::double as written,
    0.0 as reasoned,
    quantile_disc(thinking.answer, 0.5) filter (thinking.paid) as output_median,
    quantile_disc(thinking.answer, 0.95) filter (thinking.paid) as output_p95,
    max(common.answers) as answers,
    max(common.answered) as answered
from thinking
left join common
    on common.provider_id = thinking.provider_id
    and common.model_id = thinking.model_id
    and common.workflow is not distinct from thinking.workflow
    and common.step = thinking.step
    and common.effort = thinking.effort
left join escalations on escalations.call = thinking.call
group by
    thinking.provider_id, thinking.model_id, thinking.workflow, thinking.step, thinking.effort
order by
    cost desc, thinking.provider_id, thinking.model_id, thinking.workflow, thinking.step,
    thinking.effort
