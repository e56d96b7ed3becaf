-- What each cell would read and write with the chosen way of caching, beside what it does today.
select
    reach.cell,
    count(*) as calls,
    quantile_disc(reach.static_tokens, 0.5) as static_median,
    sum(reach.static_tokens)::double / nullif(sum(reach.tokens), 0) as static_share,
    sum(reach.read_today) as read_today,
    sum(coalesce(proposal.cache_read_input_tokens, reach.read_today)) as read_then,
    sum(coalesce(
        proposal.cache_write_5m_input_tokens + proposal.cache_write_1h_input_tokens,
        reach.written_today
    )) as written_then,
    count(*) filter (
        coalesce(proposal.cache_read_input_tokens, reach.read_today) > 0
    ) as hits
from reach
inner join choice
    on choice.cell = reach.cell
    and choice.path = reach.path
left join proposal using (call)
group by reach.cell
order by reach.cell
