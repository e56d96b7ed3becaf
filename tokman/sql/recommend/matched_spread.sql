-- How much each comparison depends on single conversations: the sum over conversations of the
-- squared sum of what its attempts add to the difference (Liang and Zeger 1986), in parts of 1e-15.
with influences as (
    select
        influence.pair,
        matching.conversation,
        sum(
            round(influence.slope * (was_right::integer - influence.share))::bigint
        )::hugeint as moved
    from matching
    inner join influence
        on influence.arm = matching.arm
        and influence.effort = matching.effort
        and influence.band = matching.band
        and influence.tools = matching.tools
        and influence.after_tool = matching.after_tool
        and influence.period = matching.period
        and (matching.judged or not influence.judged),
        lateral (
            select if(influence.judged, matching.judged_right, matching.went_well) as was_right
        )
    group by all
)

select
    pair,
    count(*) as conversations,
    sum(moved * moved)::double as squared
from influences
group by pair
order by pair
