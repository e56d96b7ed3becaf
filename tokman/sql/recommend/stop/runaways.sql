-- What a conversation spent after it had cost more than 995 in 1,000 of the workflow's others, where
-- it is far outside of what they cost: more than a dollar, more than three interquartile ranges above
-- the upper quartile of the logarithms (Tukey 1977: far out), with more turns than 99 in 100. It is
-- work where it is reported a success, and somebody's will where a user still takes turns in it.
-- Where more than one conversation in 50 is like that, they are a kind of their own.
-- size: turns of the conversation; measure: USD at which 995 in 1,000 others have ended.
with talks as (
    select
        workflow,
        strand,
        sum(cost) as cost,
        count(*) as turns,
        bool_or(success) as success
    from calls
    anti join stopped using (call)
    where strand is not null and ok and seen_at is not null
    group by workflow, strand
    having sum(cost) > 0
),

fences as (
    select
        workflow,
        count(*) as talks,
        quantile_cont(ln(cost::double), 0.75) as upper,
        greatest(upper - quantile_cont(ln(cost::double), 0.25), 0.25) as spread
    from talks
    group by workflow
    having count(*) >= 50
),

judged as (
    select
        talks.*,
        fences.talks,
        talks.cost > 1 and ln(talks.cost::double) > upper + 3 * spread as far_out
    from talks
    inner join fences on fences.workflow is not distinct from talks.workflow
),

others as (
    select
        workflow,
        count(*) filter (far_out) as outliers,
        any_value(talks) as talks,
        quantile_disc(cost, 0.995) filter (not far_out) as usual,
        quantile_disc(turns, 0.99) filter (not far_out) as usual_turns
    from judged
    group by workflow
),

runaways as (
    select
        judged.strand,
        judged.turns,
        others.usual
    from judged
    inner join others on others.workflow is not distinct from judged.workflow
    where
        far_out
        and success is not true
        and judged.cost > usual
        and judged.turns > usual_turns
        and 50 * outliers <= others.talks
),

passed as (
    select
        calls.call,
        calls.strand,
        calls.turn,
        runaways.turns,
        runaways.usual,
        sum(calls.cost) over (
            partition by calls.strand order by calls.seen_at, calls.tie rows unbounded preceding
        ) - calls.cost > runaways.usual as beyond
    from calls
    inner join runaways using (strand)
    anti join stopped using (call)
    where calls.ok and calls.seen_at is not null
)

select
    call,
    'runaway conversation' as rule,
    min(call) over (partition by strand) as episode,
    turns as size,
    usual::double as measure
from passed
where beyond
qualify not coalesce(bool_or(turn = 'user') over (partition by strand), false)
