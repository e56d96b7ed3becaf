-- Why calls read less than half of what they could have read from the cache of today: each call
-- beside the one before it in its conversation, or else in its workflow. Cumulative hashes are equal
-- up to the first block that differs, so the number of equal ones says where that is.
--
-- `due` is what the call could have read without this cause: tokens up to where the prompts are
-- equal, or would be.
with seen as (
    select
        calls.call,
        caching.cell,
        calls.conversation_id is not null as conversing,
        {
            'cell': caching.cell,
            'now': epoch_us(calls.seen_at),
            'begun': epoch_us(calls.seen_at) + calls.first_token_us,
            'hashes': calls.block_hashes,
            'tools': calls.tools_hash,
            'steady': calls.steady_hash,
            'effort': calls.reasoning_effort,
            'lasting': current.cache_write_1h_input_tokens > 0,
            'cached': current.cache_read_input_tokens + current.cache_write_5m_input_tokens
            + current.cache_write_1h_input_tokens > 0
        } as mine,
        lag(mine) over conversation as turn_before,
        lag(mine) over workflow as call_before,
        calls.block_sizes as sizes,
        nullif(list_sum(calls.block_sizes), 0) as bytes,
        least(coalesce(calls.tool_blocks, 0), len(calls.block_hashes)) as tools_end,
        least(tools_end + coalesce(calls.system_blocks, 0), len(calls.block_hashes)) as system_end,
        current.cache_read_input_tokens as read,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as tokens,
        caching.kind,
        caching.minimum,
        caching.lookback,
        caching.short,
        caching.long
    from current
    inner join calls using (call)
    inner join caching
        on caching.provider_id = current.provider_id
        and caching.model_id = current.model_id
        and caching.workflow is not distinct from calls.workflow
        and caching.agent = calls.agent
    where
        caching.watched
        and calls.ok
        and not calls.embeds
        and current.cost > 0
        and calls.seen_at is not null
        and len(calls.block_hashes) > 0
    window
        conversation as (
            partition by coalesce(calls.key, ''), calls.workflow, calls.conversation, calls.thread
            order by calls.seen_at, calls.tie
        ),
        workflow as (
            partition by coalesce(calls.key, ''), caching.cell
            order by calls.seen_at, calls.tie
        )
),

beside as (
    select
        *,
        conversing and turn_before is not null as turn,
        if(turn, turn_before, call_before) as before
    from seen
),

compared as (
    select
        *,
        len(
            list_filter(list_zip(mine.hashes, before.hashes), lambda pair: pair[1] = pair[2])
        ) as equal
    from beside
),

named as (
    select
        *,
        case
            when before is null then null
            when equal < tools_end and mine.tools = before.tools then 'order of tools'
            when equal < tools_end and mine.tools <> before.tools and turn then 'other tools'
            when equal < tools_end then null
            when equal < system_end and mine.steady = before.steady then 'date or id in the prefix'
            when equal < system_end or equal = 0 then null
            when before.cell <> cell then 'other model'
            when mine.effort is distinct from before.effort then 'other effort'
            when mine.now - before.now > if(before.lasting, long, short) then 'died before use'
            when mine.now < before.begun then 'cold start in parallel'
            when kind = 'explicit' and not before.cached then 'not marked'
            when
                lookback > 0
                and len(mine.hashes) - equal >= lookback
                and len(mine.hashes) - len(before.hashes) >= lookback
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
