-- Attempts beyond the one that was needed, where a request was sent three times or more, each within
-- two minutes after the one before had failed. A cut answer failed where JSON was asked for.
-- A request is known by its hash, or by being marked as a retry; else by asker, model and an equal
-- length of prompt.
-- size: attempts of the request.
with attempts as (
    select
        calls.call,
        calls.seen_at,
        calls.tie,
        calls.retry,
        coalesce(calls.duration_ms, 0) as duration_ms,
        calls.ok
        and not (
            coalesce(calls.structured_output, false)
            and calls.cut
        ) as good,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as tokens,
        case
            when calls.retry then calls.retry_of
            when roots.retry_of is not null then calls.tie
            when calls.request_hash is not null
                then hash(calls.workflow, calls.asker, calls.request_hash)
            when tokens > 0
                then hash(calls.workflow, calls.asker, calls.request_model, tokens)
        end as request
    from calls
    left join (select distinct retry_of from calls where retry_of is not null) as roots
        on roots.retry_of = calls.tie
    where calls.seen_at is not null and not calls.response_cache_hit
),

ordered as (
    select
        *,
        lag(good) over sent as good_before,
        lag(seen_at + to_milliseconds(duration_ms)) over sent as ended_before,
        row_number() over sent as place
    from attempts
    semi join (select distinct request from attempts where not good) as failed using (request)
    window sent as (partition by request order by seen_at, good, tie)
),

chained as (
    select
        *,
        sum((
            good_before is null
            or (good_before and not retry)
            or seen_at - ended_before > interval 2 minutes
        )::integer) over (partition by request order by place) as chain
    from ordered
),

chains as (
    select
        call,
        count(*) over whole as attempts,
        min(call) over whole as episode,
        row_number() over (partition by request, chain order by good desc, place) as need
    from chained
    window whole as (partition by request, chain)
)

select
    call,
    'retry storm' as rule,
    episode,
    attempts as size,
    null::double as measure
from chains
where attempts >= 3 and need > 1
