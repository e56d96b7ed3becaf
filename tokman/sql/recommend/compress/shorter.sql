-- Each call as a way to shorten prompts would have billed it. Tokens are taken from what was read
-- from a cache first, for that is the cheapest class: a lower bound of the saving.
--   cap      at `most` tokens of prompt the history is replaced by a summary, so that `least` tokens
--            are left. The call that comes next pays for a call that reads it all and writes the
--            summary, and finds nothing in the cache.
--   results  tool results are cut at the cap before the model ever sees them
--   long     the prompt stays within a length from which the whole call costs more
--   tools    tools that are never called are not offered
with wanted as (
    select
        turns.call,
        ways.cell,
        ways.option,
        turns.tie,
        ways.calls,
        -- Compactions before this call, and before the one before.
        case when turns.reached > ways.most
            then 1 + (turns.reached - ways.most) // (ways.most - floor_of.least)
            else 0
        end as done,
        case when turns.reached_before > ways.most
            then 1 + (turns.reached_before - ways.most) // (ways.most - floor_of.least)
            else 0
        end as done_before,
        greatest(done - done_before, 0) as now,
        done * (ways.most - floor_of.least) as removed,
        now * ways.most as reread,
        now * greatest(floor_of.least - turns.opening, 0) as summary
    from turns
    inner join ways
        on ways.kind = 'cap'
        and ways.workflow is not distinct from turns.workflow
        and ways.provider_id = turns.provider_id
        and ways.model_id = turns.model_id,
        lateral (
            select greatest(turns.opening, ways.most * 3 // 20) as least
        ) as floor_of
    where floor_of.least < ways.most * 3 // 5
    union all by name
    select
        turns.call,
        ways.cell,
        ways.option,
        turns.tie,
        ways.calls,
        least(turns.results + turns.carried, turns.prompt * 9 // 10) as removed
    from turns
    inner join ways
        on ways.kind = 'results'
        and ways.workflow is not distinct from turns.workflow
        and ways.provider_id = turns.provider_id
        and ways.model_id = turns.model_id
    union all by name
    select
        calls.call,
        ways.cell,
        ways.option,
        calls.tie,
        ways.calls,
        case
            when ways.kind = 'tools' then least(ways.most, prompt * 9 // 10)
            when prompt > ways.most and prompt <= ways.most * (1 + $reach) then prompt - ways.most
        end as removed
    from calls
    inner join ways
        on ways.kind in ('long', 'tools')
        and ways.workflow is not distinct from calls.workflow
        and ways.provider_id = calls.provider_id
        and ways.model_id = calls.model_id
        and (ways.kind = 'long' or list_contains(ways.tool_sets, calls.tools_hash)),
        lateral (
            select
                calls.uncached_input_tokens + calls.cache_read_input_tokens
                + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens
                + calls.audio_input_tokens + calls.cache_read_audio_input_tokens
                + calls.image_input_tokens as prompt
        )
    where calls.ok and calls.cost > 0
),

cut as (
    select
        current.* exclude (cost),
        wanted.cell,
        wanted.option,
        coalesce(wanted.now, 0) > 0 as compacted,
        coalesce(wanted.reread, 0) as reread,
        coalesce(wanted.summary, 0) as summary,
        current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as written,
        least(wanted.removed, current.cache_read_input_tokens) as from_read,
        least(wanted.removed - from_read, current.uncached_input_tokens) as from_uncached,
        least(wanted.removed - from_read - from_uncached, current.cache_write_5m_input_tokens)
            as from_5m,
        least(
            wanted.removed - from_read - from_uncached - from_5m,
            current.cache_write_1h_input_tokens
        ) as from_1h,
        current.cache_read_input_tokens - from_read as read,
        if(compacted, read, 0) as cold
    from current
    inner join wanted using (call)
    where
        wanted.removed > 0
        and ($sample = 0 or wanted.tie % (wanted.calls // $sample + 1)::ubigint = 0)
)

select
    cut.* exclude (
        compacted, reread, summary, written, from_read, from_uncached, from_5m, from_1h,
        read, cold
    )
    replace (
        uncached_input_tokens - from_uncached + if(written > 0, 0, cold)
        + if(cache_read_input_tokens > 0, 0, reread) as uncached_input_tokens,
        read - cold + if(cache_read_input_tokens > 0, reread, 0) as cache_read_input_tokens,
        cache_write_5m_input_tokens - from_5m
        + if(written > 0 and cache_write_1h_input_tokens = 0, cold, 0)
            as cache_write_5m_input_tokens,
        cache_write_1h_input_tokens - from_1h + if(cache_write_1h_input_tokens > 0, cold, 0)
            as cache_write_1h_input_tokens,
        output_tokens + summary as output_tokens
    )
from cut
