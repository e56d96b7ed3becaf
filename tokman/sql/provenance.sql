-- Which logs and which rate cards the figures in scope come from.
select distinct
    source,
    rate_card,
    stated,
    case when stated then provider end as provider
from scope
