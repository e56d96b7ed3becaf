-- Suspected loops where a log does not tell what the tools were asked: 15 tool turns or more without
-- a word from a user, of answers of one length and prompts that grow by equal steps, more turns than
-- 99 in 100 of the workflow's other conversations have. What is counted are the turns after the
-- conversation has cost more than 95 in 100 of the others.
-- size: turns of the stretch; measure: USD that 95 in 100 conversations stay below.
with tooled as (
    select call
    from calls
    where
        action is null
        and polls is not true
        and coalesce(
            lower(finish_reason) in ('tool_use', 'tool_calls', 'tool-calls', 'function_call'),
            turn = 'tool'
        )
),

talks as (
    select
        workflow,
        strand,
        sum(calls.cost) as cost,
        count(tooled.call) as tool_turns
    from calls
    left join tooled using (call)
    where ok and seen_at is not null and strand is not null
    group by workflow, strand
),

turns as (
    select
        call,
        workflow,
        strand,
        calls.cost,
        calls.output_tokens as written,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as tokens,
        tokens - lag(tokens) over talk as growth,
        row_number() over talk as place,
        sum(calls.cost) over (talk rows unbounded preceding) as so_far,
        tooled.call is not null as tool_turn,
        sum((tooled.call is null or turn is not distinct from 'user')::integer)
            over (talk rows unbounded preceding) as stretch
    from calls
    left join tooled using (call)
    semi join (select strand from talks where tool_turns >= 15) as long using (strand)
    where ok and seen_at is not null
    window talk as (partition by strand order by seen_at, tokens, tie)
),

stretches as (
    select
        workflow,
        strand,
        stretch,
        count(*) + 1 as length,
        min(call) as episode
    from (
        select *
        from turns
        where tool_turn
        -- The first turn of a stretch has grown by what was said before it.
        qualify row_number() over (partition by strand, stretch order by place) > 1
    )
    group by workflow, strand, stretch
    having
        length >= 15
        and stddev_pop(written) < 0.15 * avg(written)
        and min(growth) > 0
        and min(growth) >= 0.9 * median(growth)
        and max(growth) <= 1.1 * median(growth)
),

others as (
    select
        workflow,
        quantile_disc(tool_turns, 0.99) as most_turns,
        quantile_disc(cost, 0.95) as usual
    from talks
    anti join stretches using (strand)
    group by workflow
    having count(*) >= 20
)

select
    turns.call,
    'long tool run' as rule,
    stretches.episode,
    stretches.length as size,
    others.usual::double as measure
from stretches
inner join others on others.workflow is not distinct from stretches.workflow
inner join turns
    on turns.strand = stretches.strand
    and turns.stretch = stretches.stretch
where
    stretches.length > others.most_turns
    and turns.tool_turn
    and turns.so_far - turns.cost > others.usual
