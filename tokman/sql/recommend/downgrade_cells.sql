-- Each workflow on each model: what speaks for a smaller model there, and what against it.
with seen as (
    select
        current.provider_id,
        current.model_id,
        calls.workflow,
        calls.*,
        current.output_tokens as written,
        current.reasoning_output_tokens as reasoned,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as read,
        current.audio_input_tokens + current.cache_read_audio_input_tokens
        + current.image_input_tokens + current.audio_output_tokens
        + current.image_output_tokens as media,
        current.cost
    from current
    inner join calls using (call)
    where not calls.response_cache_hit and current.model_id is not null
),

answers as (
    select
        provider_id,
        model_id,
        workflow,
        count(*) as times
    from seen
    where ok and response_hash is not null
    group by provider_id, model_id, workflow, response_hash
    qualify row_number() over (
        partition by provider_id, model_id, workflow
        order by count(*) desc
    ) <= 50
),

common as (
    select
        provider_id,
        model_id,
        workflow,
        count(*) as answers,
        sum(times) as answered
    from answers
    group by all
)

select
    seen.provider_id,
    seen.model_id,
    seen.workflow,
    count(*) as attempts,
    count(*) filter (seen.ok) as calls,
    count(*) filter (not seen.ok or seen.retry or seen.finish_reason in ('length', 'max_tokens'))
        as failures,
    count(distinct seen.day) as days,
    sum(seen.cost) as cost,
    count(*) filter (seen.agent) as agent_calls,
    count(*) filter (seen.called_tools) as tool_calls,
    count(distinct seen.conversation) as conversations,
    count(*) filter (seen.structured_output) as structured,
    count(*) filter (seen.operation_name in ('embeddings', 'embedding')) as embeddings,
    sum(seen.media) as media,
    sum(seen.reasoned)::double as reasoned,
    sum(seen.written)::double as written,
    quantile_disc(seen.written, 0.5) filter (seen.ok) as output_median,
    quantile_disc(seen.written, 0.95) filter (seen.ok) as output_p95,
    max(seen.read) as longest_prompt,
    max(common.answers) as answers,
    max(common.answered) as answered
from seen
left join common
    on common.provider_id = seen.provider_id
    and common.model_id = seen.model_id
    and common.workflow is not distinct from seen.workflow
group by seen.provider_id, seen.model_id, seen.workflow
order by cost desc, seen.provider_id, seen.model_id, seen.workflow
