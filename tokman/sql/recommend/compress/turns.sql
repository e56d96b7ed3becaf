-- The calls of conversations in order. A stretch of a conversation ends where the prompt shrinks by
-- 30 % or more: there its history was cut already. `opening` is the prompt that a stretch begins
-- with, `reached` the longest so far, `reached_before` the longest before this call; `results` and
-- `carried` are the tokens of tool results beyond $most that this call is the first to be given, and
-- that it was given before. Four bytes a token is more than JSON and code take, so that is a lower
-- bound.
with seen as (
    select
        calls.call,
        calls.seen_at,
        calls.tie,
        calls.workflow,
        calls.provider_id,
        calls.model_id,
        calls.cost,
        calls.conversation,
        calls.agent,
        hash(
            calls.conversation, calls.thread, calls.provider_id, calls.model_id
        ) as talk,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as prompt,
        coalesce(list_sum(list_transform(
            calls.tool_result_bytes, lambda bytes: greatest(bytes // 4 - $most, 0)
        )), 0)::bigint as results
    from calls
    where
        calls.ok
        and calls.conversing
        and calls.seen_at is not null
        and calls.cost > 0
        and calls.model_id is not null
),

-- In this order a turn's neighbour is the turn before, so that what runs along needs no sort.
ordered as (
    select *
    from seen
    order by talk, seen_at, tie
),

beside as (
    select
        *,
        coalesce(talk = lag(talk) over () and prompt >= 0.7 * lag(prompt) over (), false) as goes_on
    from ordered
),

stretched as (
    select
        *,
        count(*) filter (not goes_on) over so_far * 18446744073709551616::hugeint as stretch,
        row_number() over () as place,
        sum(results) over so_far as given
    from beside
    window so_far as (rows unbounded preceding)
),

-- Stretches are numbered 2^64 tokens apart: the greatest sum so far is always one of the last stretch.
along as (
    select
        * exclude (goes_on, place, given, talk, seen_at),
        place + 1 - max(place) filter (not goes_on) over so_far as turn,
        (max(stretch + prompt) filter (not goes_on) over so_far - stretch)::bigint as opening,
        (max(stretch + prompt) over so_far - stretch)::bigint as reached,
        given - results - max(given - results) filter (not goes_on) over so_far as carried
    from stretched
    window so_far as (rows unbounded preceding)
)

select
    * exclude (stretch, turn),
    case when turn > 1 then lag(reached) over () end as reached_before
from along
