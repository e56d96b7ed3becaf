-- Runs of a job that comes at even times, asks the same each time and is answered the same each time,
-- beyond the first run of each day. Nobody is named in it, no outcome is logged and no tool is called:
-- those would be signs that somebody uses the answers. A job whose inputs vary is left alone: few
-- different answers are what a watch or a classifier gives.
-- A run starts after a minute without a call. Even: of at least 20 runs, three in four start one
-- median gap after the run before, to the twentieth of it. The same: in 19 of 20 calls.
-- size: runs; measure: seconds from one to the next.
with seen as (
    select
        call,
        workflow,
        key,
        seen_at,
        tie,
        day,
        request_hash,
        response_hash,
        action,
        success,
        humanless,
        calls.output_tokens as written,
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens as tokens
    from calls
    where ok and seen_at is not null and coalesce(workflow, key) is not null
),

even_prompts as (
    select
        workflow,
        key
    from seen
    group by workflow, key
    having
        count(*) >= 20
        and bool_and(humanless)
        and count(success) = 0
        and count(action) = 0
        and min(written) > 0
        and quantile_disc(tokens, 0.025) = quantile_disc(tokens, 0.975)
),

calls_of as (
    select
        seen.*,
        epoch(seen_at) - epoch(lag(seen_at) over job) > 60 as opens
    from seen
    inner join even_prompts as even
        on even.workflow is not distinct from seen.workflow
        and even.key is not distinct from seen.key
    window job as (partition by seen.workflow, seen.key order by seen_at, tie)
),

same as (
    select
        workflow,
        key
    from (
        select
            *,
            count(*) over (partition by workflow, key, request_hash) as asked_alike,
            count(*) over (partition by workflow, key, response_hash) as answered_alike
        from calls_of
    )
    group by workflow, key
    having
        20 * max(asked_alike) >= 19 * count(*)
        and 20 * max(answered_alike) >= 19 * count(*)
        and (
            count(response_hash) > 0
            or max(written) <= 5
            and quantile_disc(written, 0.025) = quantile_disc(written, 0.975)
        )
),

starts as (
    select
        workflow,
        key,
        seen_at,
        epoch(seen_at) - epoch(lag(seen_at) over (partition by workflow, key order by seen_at)) as gap
    from calls_of
    where opens is not false
),

rhythms as (
    select
        workflow,
        key,
        runs,
        usual
    from (
        select
            *,
            count(*) over (partition by workflow, key) as runs,
            median(gap) over (partition by workflow, key) as usual
        from starts
    )
    group by workflow, key, runs, usual
    having runs >= 20 and 4 * count(*) filter (abs(gap - usual) <= 0.05 * usual) >= 3 * (runs - 1)
),

runs as (
    select
        *,
        count(*) filter (opens is not false) over (
            partition by workflow, key order by seen_at, tie rows unbounded preceding
        ) as run
    from calls_of
)

select
    runs.call,
    'idle job' as rule,
    min(runs.call) over (partition by runs.workflow, runs.key) as episode,
    rhythms.runs as size,
    rhythms.usual as measure
from runs
inner join rhythms
    on rhythms.workflow is not distinct from runs.workflow
    and rhythms.key is not distinct from runs.key
semi join same
    on same.workflow is not distinct from runs.workflow
    and same.key is not distinct from runs.key
qualify run > min(run) over (partition by runs.workflow, runs.key, runs.day)
