-- The later of equal requests that one asker sent within five seconds and that were both answered.
-- Sampling and voting are left alone: several choices asked for, more than three at once, answers that
-- differ, or a workflow that doubles more than one call in twenty; but where somebody asks at a
-- temperature of 0, asking twice finds nothing new. So are evaluations, retries, items without an
-- asker that may be equal by chance, and inputs that come again later: those are for a cache.
-- size: how often the request was sent; measure: seconds from the first to the last.
with requests as (
    select
        workflow,
        request_hash
    from calls
    where request_hash is not null
    group by workflow, request_hash
    having count(*) > 1
),

submits as (
    select
        calls.*,
        coalesce(action, if(response_hash is not null, hash(response_hash), null)) as answer
    from calls
    inner join requests
        on requests.request_hash = calls.request_hash
        and requests.workflow is not distinct from calls.workflow
    where
        not regexp_matches(
            concat_ws(' ', calls.workflow, calls.environment),
            '(^|[^a-z])(evals?|evaluations?|bench(marks?)?|tests?|vot(e|es|ing)|consensus|sampl(e|es|ing))([^a-z]|$)',
            'i'
        )
),

doubled as (
    select
        workflow,
        request_hash,
        count(*) as times,
        min(call) as episode,
        epoch(max(seen_at)) - epoch(min(seen_at)) as seconds,
        min(asker) = max(asker)
        and bool_and(ok and not retry and coalesce(choices, 1) = 1)
        and bool_and(conversing or not humanless) as from_one,
        coalesce(max(temperature) = 0, false) as exact,
        count(answer) = times and count(distinct answer) = 1 as same_answer
    from submits
    group by workflow, request_hash
    having count(seen_at) = times and seconds < 5 * (times - 1)
),

doubles as (
    select
        workflow,
        count(*) as requests
    from doubled
    group by workflow
),

habits as (
    select
        calls.workflow,
        20 * any_value(doubles.requests) > count(*) as usual
    from calls
    inner join doubles on doubles.workflow is not distinct from calls.workflow
    group by calls.workflow
)

select
    submits.call,
    'double submit' as rule,
    doubled.episode,
    doubled.times as size,
    doubled.seconds as measure
from doubled
inner join habits on habits.workflow is not distinct from doubled.workflow
inner join submits
    on submits.request_hash = doubled.request_hash
    and submits.workflow is not distinct from doubled.workflow
where times <= 3 and from_one and (exact or (same_answer and not habits.usual))
qualify row_number() over (partition by doubled.episode order by submits.seen_at, submits.tie) > 1
