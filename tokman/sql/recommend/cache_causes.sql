-- Why calls read less than half of what they could have read from the cache of today: each call
-- beside the one before it in its conversation, or else in its workflow. Cumulative hashes are equal
-- up to the first block that differs, so the number of equal ones says where that is.
--
-- `due` is what the call could have read without this cause: tokens up to where the prompts are
-- equal, or would be.
with seen as materialized (
    select
        calls.call,
        caching.cell,
        caching.kind,
        caching.minimum,
        caching.lookback,
        caching.short,
        caching.long,
        calls.tie,
        hash(coalesce(calls.key, ''), calls.workflow, calls.conversation, calls.thread) as talk,
        hash(coalesce(calls.key, ''), caching.cell) as line,
        turned.conversing,
        epoch_us(calls.seen_at) as now,
        now + calls.first_token_us as begun,
        calls.block_hashes as hashes,
        calls.block_sizes as sizes,
        calls.tools_hash as tools,
        calls.steady_hash as steady,
        calls.reasoning_effort as effort,
        turned.writes_1h as lasting,
        turned.read + turned.written > 0 as cached,
        nullif(list_sum(sizes), 0) as bytes,
        least(coalesce(calls.tool_blocks, 0), len(hashes)) as tools_end,
        least(tools_end + coalesce(calls.system_blocks, 0), len(hashes)) as system_end,
        turned.read,
        turned.tokens
    from turned
    inner join caching using (place)
    inner join calls using (call)
    where caching.watched and len(hashes) > 0
),

beside as (
    select
        call,
        conversing and turn_before is not null as turn,
        if(turn, turn_before, call_before) as before
    from (
        select
            call,
            conversing,
            lag(call) over (partition by talk order by now, tie) as turn_before,
            lag(call) over (partition by line order by now, tie) as call_before
        from seen
    )
),

compared as (
    select
        mine.*,
        beside.turn,
        before.cell as cell_before,
        before.now as now_before,
        before.begun as begun_before,
        before.tools as tools_before,
        before.steady as steady_before,
        before.effort as effort_before,
        before.lasting as lasting_before,
        before.cached as cached_before,
        len(before.hashes) as blocks_before,
        len(
            list_filter(list_zip(mine.hashes, before.hashes), lambda pair: pair[1] = pair[2])
        ) as equal
    from beside
    inner join seen as mine using (call)
    inner join seen as before on before.call = beside.before
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
