-- Lines refused, by file; what they would have cost nobody can say.
select
    path || ': ' || count(*) || ' refused, first: ' || arg_min(reason, line) as what,
    null::bigint as calls,
    null::bigint as tokens,
    null::decimal(18, 12) as at_stake
from rejects
group by path
