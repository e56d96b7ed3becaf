-- Which logs and which rate cards the figures in scope come from.
select distinct
    source,
    rate_card
from scope
