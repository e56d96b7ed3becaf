-- First attempts at the work of each arm: what they are matched by, and what came of them.
-- Nothing here is the model's own doing, but `right` and what it wrote: tools count as offered, not
-- as called. Sizes are in bytes, at four a token where the log has none. Integers only, so that
-- their sums do not depend on the order in which they are added.
with retried as (
    select distinct earlier.call
    from calls as later
    inner join calls as earlier on earlier.tie = later.retry_of
    where
        later.retry_of is not null
        and coalesce(later.seen_at - earlier.seen_at < interval 10 minute, true)
),

asked_again as (
    select call
    from calls
    where request_hash is not null and seen_at is not null
    qualify lead(seen_at) over (
        partition by workflow, request_hash
        order by seen_at, tie
    ) - seen_at < interval 10 minute
),

escalated as (
    select distinct earlier as call
    from escalations
),

seen as (
    select
        calls.*,
        arms.arm,
        calls.cost,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as read,
        calls.output_tokens as written,
        calls.reasoning_output_tokens as reasoned,
        retried.call is not null or asked_again.call is not null as tried_again,
        escalated.call is not null as escalated
    from calls
    left join work_steps
        on work_steps.workflow is not distinct from calls.workflow
        and work_steps.prompt_hash = calls.prompt_hash
    inner join arms
        on arms.provider_id = calls.provider_id
        and arms.model_id = calls.model_id
        and arms.workflow is not distinct from calls.workflow
        and arms.step = coalesce(work_steps.step, 0)
        and (arms.effort is null or arms.effort = coalesce(calls.reasoning_effort, ''))
    left join retried on retried.call = calls.call
    left join asked_again on asked_again.call = calls.call
    left join escalated on escalated.call = calls.call
    where
        calls.first_attempt
        and not calls.response_cache_hit
        and (not calls.ok or calls.cost > 0)
)

select
    arm,
    call,
    conversation,
    coalesce(reasoning_effort, '') as effort,
    floor(log2(size))::integer as band,
    case
        when tools_on_offer is null then -1
        when tools_on_offer <= 1 then tools_on_offer
        else 2 + floor(log2(tools_on_offer) / 2)::integer
    end as tools,
    coalesce(turn = 'tool', false) as after_tool,
    coalesce(epoch_us(seen_at) // 604800000000 // $weeks, -1)::integer as period,
    success is not null as judged,
    coalesce(success, false) as judged_right,
    ok and not tried_again and not escalated and not cut as went_well,
    tried_again and not escalated as tried_again,
    escalated,
    cost,
    read,
    written,
    reasoned,
    coalesce(prompt_bytes, 0) as bytes,
    round(1000 * log2(size))::bigint as log_size,
    round(1000 * log2(1 + coalesce(tools_on_offer, 0)))::bigint as log_tools,
    coalesce(epoch_us(seen_at) // 3600000000, 0) as hour_seen,
    (isodow(seen_at) <= 5 and hour(seen_at) between 7 and 19)::bigint as by_day,
    (not humanless)::bigint as for_user,
    coalesce(stream, false)::bigint as streamed,
    coalesce(structured_output, false)::bigint as structured
from seen,
    lateral (select greatest(coalesce(nullif(prompt_bytes, 0), 4 * read), 1) as size)
