-- Calls that repeat what an agent has done three times already: the same tools with the same
-- arguments and the same results, in a cycle of one to five steps that comes five times (four where
-- every result is an error), nobody and nothing else in between.
-- A step is a call's tool calls with the results that the next call is given. An answer, a user's
-- turn, a poll, or a prompt that has not grown by what was written (a compaction, a call beside this
-- one) ends a stretch.
-- A tool call without a result opens a second conversation beside the first, until an answer ends it:
-- steps of several at once are not told apart. Where none of a strand's results are logged, equal tool calls are only suspected.
-- size: how often the cycle comes; measure: its length in steps.
with suspects as (
    select distinct strand
    from (
        select strand
        from calls
        where ok and seen_at is not null and strand is not null and action is not null
        group by strand, action
        having count(*) >= 4
    )
),

turns as (
    select
        call,
        strand,
        action,
        turn,
        coalesce(polls, false) as polling,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as tokens,
        lag(calls.output_tokens - calls.reasoning_output_tokens) over talk as written_before,
        tokens > lag(tokens) over talk + written_before // 2 as grown,
        lead(observed) over talk as answer,
        coalesce(lead(tool_errors) over talk > 0, false) as failed,
        max(observed) over (partition by strand) is null as unseen,
        row_number() over talk as place
    from calls
    semi join suspects using (strand)
    where ok and seen_at is not null
    window talk as (partition by strand order by seen_at, tokens, tie)
),

counted as (
    select
        *,
        sum(case when action is null then -1 else (answer is null and not unseen)::integer end)
            over (partition by strand order by place) as opened
    from turns
),

told_apart as (
    select
        *,
        opened > least(0, min(opened) over (partition by strand order by place)) as beside
    from counted
),

steps as (
    select
        call,
        strand,
        failed,
        unseen,
        place,
        case
            when polling or beside then null
            when unseen then action
            when answer is not null and action is not null then hash(action, answer)
        end as step,
        sum((step is null or turn is not distinct from 'user' or grown is not true)::integer)
            over (partition by strand order by place) as stretch
    from told_apart
),

compared as (
    select
        steps.*,
        cycle,
        step = lag(step, cycle) over (partition by strand, stretch, cycle order by place) as again
    from steps, unnest([1, 2, 3, 4, 5]) as lags (cycle)
),

islands as (
    select
        *,
        place - row_number() over (partition by strand, stretch, cycle order by place) as island
    from compared
    where again
),

runs as (
    select
        *,
        row_number() over (run order by place) as repeated,
        (count(*) over run + cycle) // cycle as times,
        bool_and(failed) over run as failing,
        min(call) over run as episode
    from islands
    window run as (partition by strand, stretch, cycle, island)
)

select
    call,
    if(unseen, 'unseen loop', 'loop') as rule,
    arg_min(episode, cycle) as episode,
    arg_min(times, cycle) as size,
    min(cycle)::double as measure
from runs
where repeated > 2 * cycle and times >= if(failing and not unseen, 4, 5)
group by call, unseen
