-- The calls of conversations in order. A stretch of a conversation ends where the prompt shrinks by
-- 30 % or more: there its history was cut already. `opening` is the prompt that a stretch begins
-- with, `reached` the longest so far; `results` and `carried` are the tokens of tool results beyond
-- $most that this call is the first to be given, and that it was given before. Four bytes a token is
-- more than JSON and code take, so that is a lower bound.
with seen as (
    select
        current.call,
        calls.call_id,
        calls.workflow,
        calls.conversation,
        calls.agent_name,
        calls.agent,
        calls.seen_at,
        calls.tie,
        current.provider_id,
        current.model_id,
        current.cost,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as prompt,
        coalesce(list_sum(list_transform(
            calls.tool_result_bytes, lambda bytes: greatest(bytes // 4 - $most, 0)
        )), 0)::bigint as results,
        lag(prompt) over turns as before
    from current
    inner join calls using (call)
    where
        calls.ok
        and calls.conversation_id is not null
        and calls.seen_at is not null
        and current.cost > 0
        and current.model_id is not null
    window turns as (
        partition by calls.conversation, calls.agent_name, current.provider_id, current.model_id
        order by calls.seen_at, calls.call_id
    )
),

stretched as (
    select
        *,
        count(*) filter (before is null or prompt < 0.7 * before) over (
            partition by conversation, agent_name, provider_id, model_id
            order by seen_at, call_id
            rows unbounded preceding
        ) as part
    from seen
)

select
    call,
    workflow,
    provider_id,
    model_id,
    cost,
    tie,
    conversation,
    agent,
    prompt,
    results,
    first_value(call) over so_far as stretch,
    row_number() over so_far as turn,
    first_value(prompt) over so_far as opening,
    max(prompt) over so_far as reached,
    sum(results) over so_far - results as carried
from stretched
window so_far as (
    partition by conversation, agent_name, provider_id, model_id, part
    order by seen_at, call_id
    rows unbounded preceding
)
