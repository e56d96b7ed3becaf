-- The same calls with what each gets: its price by the rate card $card.
select
    * exclude (list_cost, contracted_cost, rate_id, price_basis, unpriced_reason),
    list_cost as gets_list_cost,
    contracted_cost as gets_contracted_cost,
    rate_id as gets_rate_id,
    price_basis as gets_price_basis,
    unpriced_reason as gets_unpriced_reason,
    $card as gets_rate_card
from priced
