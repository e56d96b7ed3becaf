-- Completed calls, at the price they had. Asked of those alone for which all that a price depends on
-- (commit.PRICED_BY) is what it was, so that a closed month does not move when a second log of it
-- turns up.
select
    repriced.*
    replace (
        known.list_cost as list_cost,
        known.contracted_cost as contracted_cost,
        known.rate_id as rate_id,
        known.price_basis as price_basis,
        known.unpriced_reason as unpriced_reason,
        known.rate_card as rate_card
    )
from repriced
inner join known using (call_id)
