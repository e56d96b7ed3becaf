-- What a conversation spent after its last answer to somebody, where the log says that it failed and
-- that was at least half of its cost. A call without tool calls is such an answer; a conversation
-- without any keeps its first call. Left alone: conversations that may go on (the last hour of the
-- log), and workflows whose successes end with a tool call too.
-- size: calls after the last answer; measure: USD the whole conversation cost.
with failed as (
    select strand
    from calls
    where strand is not null and seen_at is not null
    group by strand
    having
        bool_or(not success) and not coalesce(bool_or(success), false)
        and max(seen_at) < (select max(seen_at) from calls) - interval 1 hour
),

endings as (
    select
        workflow,
        count(*) as successes,
        count(*) filter (tooled) as tooled
    from (
        select
            workflow,
            strand,
            arg_max(action is not null, seen_at) as tooled
        from calls
        where ok and strand is not null and seen_at is not null
        group by workflow, strand
        having bool_or(success)
    )
    group by workflow
),

turns as (
    select
        calls.call,
        calls.workflow,
        calls.cost,
        count(*) filter (calls.action is null) over (
            talk rows between current row and unbounded following
        ) as answers_to_come,
        row_number() over talk as place,
        calls.strand
    from calls
    semi join failed using (strand)
    where calls.ok and calls.seen_at is not null
    window talk as (partition by calls.strand order by calls.seen_at, calls.tie)
)

select
    turns.call,
    'abandoned work' as rule,
    min(turns.call) over talk as episode,
    count(*) filter (answers_to_come = 0 and place > 1) over talk as size,
    (sum(turns.cost) over talk)::double as measure
from turns
left join endings on endings.workflow is not distinct from turns.workflow
where coalesce(2 * endings.tooled < endings.successes, true)
window talk as (partition by strand)
qualify
    answers_to_come = 0
    and place > 1
    and 2 * sum(turns.cost) filter (answers_to_come = 0) over talk >= sum(turns.cost) over talk
