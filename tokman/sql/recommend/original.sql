-- The usage as it was, priced by the card in force, with the model's name in that card.
select
    priced.* exclude (list_cost, contracted_cost, rate_id, price_basis, unpriced_reason),
    named.provider_id,
    named.model_id,
    priced.contracted_cost as cost
from priced
left join named
    on named.provider_name is not distinct from priced.provider_name
    and named.request_model is not distinct from priced.request_model
    and named.response_model is not distinct from priced.response_model
where priced.contracted_cost is not null
