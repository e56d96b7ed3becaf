-- Each call beside the turn before it: of the same model, key, conversation and thread. `held` is
-- what the cache held after that turn, `lasting` whether any turn writes for an hour.
-- `place` stands for model, workflow and agent, `talk` for all that turns have in common: numbers
-- sort and join several times quicker, and in their order a turn's neighbour is the turn before.
with seen as (
    select
        calls.call,
        calls.call_id,
        calls.tie,
        calls.seen_at,
        (
            hash(calls.provider_id, calls.model_id, calls.workflow, calls.agent) >> 1
        )::bigint as place,
        hash(place, coalesce(calls.key, ''), calls.conversation, calls.thread) as talk,
        calls.conversing,
        calls.cache_read_input_tokens as read,
        calls.cache_write_1h_input_tokens > 0 as writes_1h,
        calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as written,
        read + written + calls.uncached_input_tokens as tokens,
        calls.output_tokens as answered
    from calls
    where
        calls.ok
        and not calls.embeds
        and calls.cost > 0
        and calls.seen_at is not null
        and calls.model_id is not null
),

ordered as (
    select
        seen.* exclude (call_id),
        lasting.talk is not null as lasting
    from seen
    left join (select distinct talk from seen where writes_1h) as lasting using (talk)
    order by talk, seen_at, call_id
),

beside as (
    select
        *,
        coalesce(talk = lag(talk) over (), false) as later,
        lag(tokens) over () as tokens_before,
        lag(read) over () as read_before,
        lag(read + written) over () as held,
        lag(answered) over () as answered_before,
        epoch_us(seen_at) - lag(epoch_us(seen_at)) over () as gap
    from ordered
)

select
    call,
    tie,
    place,
    conversing,
    read,
    written,
    writes_1h,
    tokens,
    lasting,
    later and tokens >= tokens_before + 0.8 * answered_before as grown,
    case when later then tokens_before end as tokens_before,
    case when later then read_before end as read_before,
    case when later then held end as held,
    case when later then gap end as gap
from beside
