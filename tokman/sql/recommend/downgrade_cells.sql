-- Each step of a workflow on each model: what speaks for a smaller model there, and what against it.
with seen as (
    select
        calls.provider_id,
        calls.model_id,
        coalesce(work_steps.step, 0) as step,
        coalesce(work_steps.steps, 0) as steps,
        calls.*,
        calls.output_tokens as written,
        calls.reasoning_output_tokens as reasoned,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as read,
        calls.audio_input_tokens + calls.cache_read_audio_input_tokens
        + calls.image_input_tokens + calls.audio_output_tokens
        + calls.image_output_tokens as media,
        calls.cost,
        calls.ok and calls.cost > 0 as paid
    from calls
    left join work_steps
        on work_steps.workflow is not distinct from calls.workflow
        and work_steps.prompt_hash = calls.prompt_hash
    where not calls.response_cache_hit and calls.model_id is not null
),

-- Where so many answers differ that no fifty of them can be nearly all, none is counted.
alike as (
    select
        provider_id,
        model_id,
        workflow,
        step
    from seen
    where paid and response_hash is not null
    group by all
    having approx_count_distinct(response_hash) <= 100 + count(*) / 10
),

answers as (
    select
        provider_id,
        model_id,
        workflow,
        step,
        count(*) as times
    from seen
    where
        paid
        and response_hash is not null
        and (provider_id, model_id, coalesce(workflow, ''), step) in (
            select (provider_id, model_id, coalesce(workflow, ''), step) from alike
        )
    group by provider_id, model_id, workflow, step, response_hash
    qualify row_number() over (
        partition by provider_id, model_id, workflow, step
        order by count(*) desc
    ) <= 50
),

common as (
    select
        provider_id,
        model_id,
        workflow,
        step,
        count(*) as answers,
        sum(times) as answered
    from answers
    group by all
),

tools as (
    select
        provider_id,
        model_id,
        workflow,
        step,
        tool,
        count(*) as times
    from seen
    where paid and tools_called = 1
    group by provider_id, model_id, workflow, step, tool
    qualify row_number() over (
        partition by provider_id, model_id, workflow, step
        order by times desc, tool
    ) = 1
),

results as (
    select
        workflow,
        sum(tool_errors)::double as tool_errors,
        sum(tool_results)::double as tool_results
    from calls
    where tool_results > 0
    group by workflow
),

-- Tool turns that follow a call in its conversation, where there can be more than five.
plans as (
    select conversation
    from calls
    where called_tools and not agent
    group by conversation
    having count(*) > 5
),

ahead as (
    select
        call,
        count(*) filter (called_tools) over (
            partition by conversation
            order by seen_at, tie
            rows between 1 following and unbounded following
        ) as turns
    from calls
    semi join plans using (conversation)
)

select
    seen.provider_id,
    seen.model_id,
    seen.workflow,
    seen.step,
    max(seen.steps) as steps,
    arg_min(seen.call_id, seen.seen_at) filter (seen.step > 0) as first_call,
    count(*) as attempts,
    count(*) filter (seen.paid) as calls,
    count(*) filter (seen.paid and seen.first_attempt) as first_attempts,
    count(*) filter (not seen.ok or seen.retry or seen.cut) as failures,
    count(seen.success) filter (seen.first_attempt) as judged,
    count(*) filter (seen.first_attempt and seen.success) as successes,
    count(escalations.call) as escalations,
    count(*) filter (ahead.turns > 5) as early,
    count(distinct seen.day) as days,
    min(seen.seen_at) filter (seen.paid) as first_seen,
    sum(seen.cost) as cost,
    count(*) filter (seen.agent) as agent_calls,
    count(*) filter (seen.called_tools) as tool_calls,
    max(tools.tool) as tool,
    max(tools.times) as tool_times,
    max(results.tool_errors) as tool_errors,
    max(results.tool_results) as tool_results,
    count(distinct seen.conversation) as conversations,
    count(*) filter (seen.structured_output) as structured,
    count(*) filter (seen.embeds) as embeddings,
    sum(seen.media) as media,
    sum(seen.reasoned)::double as reasoned,
    sum(seen.written)::double as written,
    quantile_disc(seen.written, 0.5) filter (seen.paid) as output_median,
    quantile_disc(seen.written, 0.95) filter (seen.paid) as output_p95,
    max(seen.read) as longest_prompt,
    max(common.answers) as answers,
    max(common.answered) as answered
from seen
left join common
    on common.provider_id = seen.provider_id
    and common.model_id = seen.model_id
    and common.workflow is not distinct from seen.workflow
    and common.step = seen.step
left join tools
    on tools.provider_id = seen.provider_id
    and tools.model_id = seen.model_id
    and tools.workflow is not distinct from seen.workflow
    and tools.step = seen.step
left join results on results.workflow is not distinct from seen.workflow
left join ahead on ahead.call = seen.call
left join escalations on escalations.call = seen.call
group by seen.provider_id, seen.model_id, seen.workflow, seen.step
order by cost desc, seen.provider_id, seen.model_id, seen.workflow, seen.step
