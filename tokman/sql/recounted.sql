-- What a recount changes, by model and how it counts, and (`whole`) in all. Ratios: tokens a byte.
select
    provider_name as provider,
    family as model,
    grouping(family) = 1 as whole,
    if(grouping(family) = 1, null, count_basis) as count_basis,
    count(*) as calls,
    if(grouping(family) = 1, null, any_value(learned_from)) as learned_from,
    if(grouping(family) = 1, null, any_value(input_ratio)) as input_tokens_per_byte,
    if(grouping(family) = 1, null, any_value(output_ratio)) as output_tokens_per_byte,
    sum(held_tokens)::bigint as tokens,
    sum(uncached_input_tokens + output_tokens)::bigint as new_tokens,
    sum((uncached_input_tokens + output_tokens) * count_margin)
    / sum(uncached_input_tokens + output_tokens) as margin,
    sum(held_list_cost) as list_cost,
    sum(list_cost) as new_list_cost
from priced
group by grouping sets ((provider_name, family, count_basis), ())
order by whole, new_tokens desc, model, provider, count_basis
