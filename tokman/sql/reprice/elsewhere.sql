-- Calls in scope that are priced by another rate card than $card: what their price depends on, and
-- what they are held to cost.
select
    call_id,
    columns(lambda name: list_contains($priced_by, name)),
    list_cost as held_list_cost,
    contracted_cost as held_contracted_cost,
    rate_id as held_rate_id,
    price_basis as held_price_basis,
    unpriced_reason as held_unpriced_reason,
    rate_card as held_rate_card
from usage
where
    rate_card is distinct from $card
    and call_id in (select call_id from scope)
