-- Why calls read less than half of what they could have read from the cache of today: each call
-- beside the one before it in its conversation, or else in its workflow. Cumulative hashes are equal
-- up to the first block that differs, so the number of equal ones says where that is.
--
-- `due` is what the call could have read without this cause: tokens up to where the prompts are
-- equal, or would be.
with seen as materialized (
    select
        calls.call,
        hash(coalesce(calls.key, ''), calls.workflow, calls.conversation, calls.thread) as talk,
        hash(coalesce(calls.key, ''), caching.cell) as line,
        turned.conversing,
        epoch_us(calls.seen_at) as now,
        calls.tie,
        turned.read * 2 < turned.tokens as doubtful
    from turned
    inner join caching using (place)
    inner join calls using (call)
    where caching.watched and len(calls.block_hashes) > 0
),

by_line as (
    select
        call,
        doubtful,
        if(line = lag(line) over (), lag(call) over (), null) as call_before
    from (from seen order by line, now, tie)
),

by_talk as (
    select
        call,
        if(talk = lag(talk) over (), lag(call) over (), null) as turn_before
    from (from seen where conversing order by talk, now, tie)
),

-- Nothing is due to a call beyond its own tokens: who reads half of them misses nothing.
beside as (
    select
        by_line.call,
        turn_before is not null as turn,
        coalesce(turn_before, call_before) as before
    from by_line
    left join by_talk using (call)
    where doubtful and coalesce(turn_before, call_before) is not null
),

mine as (
    select
        beside.*,
        caching.* exclude (calls),
        epoch_us(calls.seen_at) as now,
        calls.block_hashes as hashes,
        calls.block_sizes as sizes,
        calls.tools_hash as tools,
        calls.steady_hash as steady,
        calls.reasoning_effort as effort,
        nullif(list_sum(sizes), 0) as bytes,
        least(coalesce(calls.tool_blocks, 0), len(hashes)) as tools_end,
        least(tools_end + coalesce(calls.system_blocks, 0), len(hashes)) as system_end,
        turned.read,
        turned.tokens
    from beside
    inner join turned using (call)
    inner join caching using (place)
    inner join calls using (call)
),

compared as (
    select
        mine.*,
        caching.cell as cell_before,
        epoch_us(calls.seen_at) as now_before,
        now_before + calls.first_token_us as begun_before,
        calls.tools_hash as tools_before,
        calls.steady_hash as steady_before,
        calls.reasoning_effort as effort_before,
        turned.writes_1h as lasting_before,
        turned.read + turned.written > 0 as cached_before,
        len(calls.block_hashes) as blocks_before,
        least(len(hashes), blocks_before) as shorter,
        -- Where the last of the shorter prompt is equal, so are all before it.
        case
            when hashes[shorter] = calls.block_hashes[shorter] then shorter
            else len(
                list_filter(list_zip(hashes, calls.block_hashes), lambda pair: pair[1] = pair[2])
            )
        end as equal
    from mine
    inner join turned on turned.call = mine.before
    inner join caching on caching.place = turned.place
    inner join calls on calls.call = mine.before
),

named as (
    select
        *,
        case
            when equal < tools_end and tools = tools_before then 'order of tools'
            when equal < tools_end and tools <> tools_before and turn then 'other tools'
            when equal < tools_end then null
            when equal < system_end and steady = steady_before then 'date or id in the prefix'
            when equal < system_end or equal = 0 then null
            when cell_before <> cell then 'other model'
            when effort is distinct from effort_before then 'other effort'
            when now - now_before > if(lasting_before, long, short) then 'died before use'
            when now < begun_before then 'cold start in parallel'
            when kind = 'explicit' and not cached_before then 'not marked'
            when
                lookback > 0
                and len(hashes) - equal >= lookback
                and len(hashes) - blocks_before >= lookback
                then 'look-back'
            when kind = 'explicit' then 'mark behind a change'
            else 'routing'
        end as cause,
        case cause
            when 'order of tools' then tools_end
            when 'other tools' then tools_end
            when 'date or id in the prefix' then system_end
            else equal
        end as due_blocks,
        coalesce(list_sum(sizes[1:due_blocks]) * tokens // bytes, 0)::bigint as due
    from compared
)

select
    call,
    cell,
    if(due < minimum, 'below the minimum', cause) as cause,
    due,
    due - read as missed
from named
where
    cause is not null
    and due > 0
    and read < due / 2
