-- Where work may be waste, but for something that the log does not tell, and what it cost.
-- unanswered: conversations of five calls or more that end with a tool call and spent half of their
-- cost after the last answer, in workflows without any outcome where most conversations do not end so.
-- cut: answers in no prescribed form that ended at their limit, one in twenty or more of a workflow's;
-- where half of them do, that is how it is meant.
with ended as (
    select
        strand,
        max(seen_at) as last_at,
        max(seen_at) filter (action is null) as answered_at
    from calls
    where ok and strand is not null and seen_at is not null
    group by strand
    having count(*) >= 5
),

talks as (
    select
        calls.workflow,
        calls.strand,
        count(calls.success) as outcomes,
        sum(calls.cost) as cost,
        last_at < (select max(seen_at) from calls) - interval 1 hour
        and last_at > coalesce(answered_at, '-infinity')
        and coalesce(2 * sum(calls.cost) filter (seen_at > answered_at) >= sum(calls.cost), true)
            as unanswered
    from calls
    inner join ended using (strand)
    where calls.ok and calls.seen_at is not null
    group by calls.workflow, calls.strand, last_at, answered_at
)

select
    'unanswered' as kind,
    workflow,
    count(*) filter (unanswered) as calls,
    sum(cost) filter (unanswered) as cost
from talks
group by workflow
having
    sum(outcomes) = 0
    and count(*) filter (unanswered) >= 3
    and 2 * count(*) filter (unanswered) < count(*)
    and sum(cost) filter (unanswered) >= 1

union all

select
    'cut' as kind,
    workflow,
    count(*) filter (cut and structured_output is not true) as calls,
    sum(calls.cost) filter (cut and structured_output is not true) as cost
from calls
where ok and success is not true
group by workflow
having
    count(*) filter (cut and structured_output is not true) >= 20
    and 20 * count(*) filter (cut and structured_output is not true) >= count(*)
    and 2 * count(*) filter (cut) < count(*)
    and sum(calls.cost) filter (cut and structured_output is not true) >= 1
order by cost desc, kind, workflow
