-- Calls of two sources that share no id, but the model (without seller and date), every token count
-- and the second: perhaps one call, counted twice. At stake is one side of it.
with alike as (
    select
        regexp_replace(lower(model), '^.*/|[-@]20\d\d-?\d\d-?\d\d$', '', 'g') as name,
        date_trunc('second', started_at) as second,
        columns(
            lambda name: name in (
                'input_tokens', 'cache_read_input_tokens', 'cache_write_5m_input_tokens',
                'cache_write_1h_input_tokens', 'output_tokens', 'audio_output_tokens',
                'image_output_tokens'
            )
        ),
        source,
        count(*) as calls,
        min(list_cost) as cost
    from scope
    where
        time_basis = 'log'
        and status = 'ok'
        and not response_cache_hit
        and output_tokens > 0
    group by all
)

select
    one.source || ' and ' || other.source || ': same model, tokens and second' as what,
    sum(least(one.calls, other.calls))::bigint as calls,
    sum(least(one.calls, other.calls) * (one.input_tokens + one.output_tokens))::bigint as tokens,
    sum(least(one.calls, other.calls) * least(one.cost, other.cost)) as at_stake
from alike as one
inner join alike as other
    using (
        name, second, input_tokens, cache_read_input_tokens, cache_write_5m_input_tokens,
        cache_write_1h_input_tokens, output_tokens, audio_output_tokens, image_output_tokens
    )
where one.source < other.source
group by one.source, other.source
