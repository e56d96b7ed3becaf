-- How each workflow's calls arrive, and whether anybody waits for them.
-- A job opens after 10 minutes without a call. `by_day` and `by_hour` say how exactly jobs repeat
-- at one time of the day or of the hour: the length of the mean of their times as points on a
-- circle, 1 when they all start together and 0 when they are spread evenly.
with seen as (
    select
        *,
        coalesce(service_tier, 'standard') as tier
    from calls
    where ok and seen_at is not null
),

arrivals as (
    select
        workflow,
        epoch(seen_at) as seconds,
        seconds - epoch(lag(seen_at) over (partition by workflow order by seen_at)) as gap
    from seen
),

gaps as (
    select
        workflow,
        (stddev_pop(gap) - avg(gap)) / nullif(stddev_pop(gap) + avg(gap), 0) as burstiness
    from arrivals
    group by workflow
),

conversing as (
    select
        workflow,
        sum(calls) filter (calls > 1) as calls
    from (select workflow, conversation, count(*) as calls from seen group by all)
    group by workflow
),

timed as (
    select
        workflow,
        seconds
    from arrivals
    where gap is null or gap > 600
),

jobs as (
    select
        workflow,
        count(*) as jobs,
        count(distinct floor(seconds / 86400)) as job_days,
        sqrt(sum(cos(2 * pi() * seconds / 86400)) ** 2 + sum(sin(2 * pi() * seconds / 86400)) ** 2)
        / count(*) as by_day,
        sqrt(sum(cos(2 * pi() * seconds / 3600)) ** 2 + sum(sin(2 * pi() * seconds / 3600)) ** 2)
        / count(*) as by_hour,
        mode(strftime(make_timestamp((seconds * 1000000)::bigint), '%H:%M')
            order by seconds) as usual_start
    from timed
    group by workflow
),

workflows as (
    select
        workflow,
        count(*) as calls,
        count(distinct day) as days,
        count(*) filter (agent) as agent_calls,
        count(*) filter (stream) as streamed,
        count(*) filter (called_tools) as tool_calls,
        count(*) filter (humanless) as humanless,
        count(*) filter (tier in ('batch', 'batches', 'flex')) as deferred,
        count(*) filter (
            isodow(seen_at) > 5 or hour(seen_at) < 7 or hour(seen_at) >= 20
        ) as off_hours
    from seen
    group by workflow
)

select
    workflows.*,
    gaps.burstiness,
    coalesce(conversing.calls, 0) as conversing,
    jobs.jobs,
    jobs.job_days,
    jobs.by_day,
    jobs.by_hour,
    jobs.usual_start
from workflows
inner join gaps on gaps.workflow is not distinct from workflows.workflow
left join conversing on conversing.workflow is not distinct from workflows.workflow
left join jobs on jobs.workflow is not distinct from workflows.workflow
order by workflows.calls desc, workflows.workflow
