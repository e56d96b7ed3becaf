-- How the counts of calls whose log states none were made, and how far they may be off.
with estimated as (
    select
        count_basis,
        count_margin,
        input_tokens + output_tokens as tokens
    from scope
    where output_basis = 'estimated'
)

select
    count_basis,
    count(*) as calls,
    sum(tokens)::bigint as tokens,
    sum(tokens * count_margin) / sum(tokens) as margin
from estimated
group by count_basis
order by list_position(['exact', 'ratio', 'tiktoken', 'bytes'], count_basis)
