-- Which logs and which rate cards the figures in scope come from.
select
    source,
    rate_card,
    stated,
    case when stated then provider end as provider,
    count(matched_ids) as matched
from scope
group by all
