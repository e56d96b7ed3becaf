-- Lines of statements in the columns of charges, where `$basis` wants them. A bill's lines give
-- no tokens where the provider counts them in lines of their own, so that none counts twice; usage
-- that does not state what was read from a cache (`untold`) leaves that unknown, not none.
with charged as (
    select distinct provider_name, cast(started_at as date) as day
    from charges
    where $basis = 'auto'
),
told as (
    select
        lines.* replace (coalesce(requests, 0) as requests),
        coalesce(uncached_input_tokens, 0) + coalesce(cache_read_input_tokens, 0)
        + coalesce(cache_write_5m_input_tokens, 0) + coalesce(cache_write_1h_input_tokens, 0)
        + coalesce(audio_input_tokens, 0) + coalesce(cache_read_audio_input_tokens, 0)
        + coalesce(image_input_tokens, 0) as input_tokens,
        kind = 'usage' and token_class is null and uncached_input_tokens > 0
        and output_tokens is not null and cache_read_input_tokens is null as untold,
        kind = 'cost' and exists (
            from statement_lines as counting
            where
                counting.kind = 'usage'
                and counting.provider_name is not distinct from lines.provider_name
                and counting.day = lines.day
        ) as counted_elsewhere
    from statement_lines as lines
    where
        currency = 'USD'
        and not exists (
            from charged
            where
                charged.provider_name is not distinct from lines.provider_name
                and charged.day >= lines.day
                and charged.day < greatest(cast(period_end as date), lines.day + 1)
        )
)
select
    true as stated,
    case when counted_elsewhere then 0 else requests end as calls,
    period_start as started_at,
    period_start as local,
    day,
    strftime(period_start, '%G-W%V') as week,
    strftime(period_start, '%Y-%m') as month,
    date_trunc('hour', period_start) as hour,
    dayname(period_start) as weekday,
    extract(hour from period_start)::int as hour_of_day,
    source,
    file,
    line,
    provider_name,
    provider_name as provider,
    model as response_model,
    model,
    project,
    user_id as "user",
    api_key_id as api_key_alias,
    coalesce(service_tier, 'standard') as service_tier,
    'ok' as status,
    'final' as output_basis,
    'log' as time_basis,
    false as unpriced,
    case
        when counted_elsewhere then 0
        when not untold then coalesce(cache_read_input_tokens, 0)
    end as cache_read_input_tokens,
    case
        when counted_elsewhere then 0
        else coalesce(
            columns(
                lambda name: name <> 'cache_read_input_tokens'
                and regexp_matches(name, '.(_tokens|_requests)$')
            ),
            0
        )
    end,
    list_amount::decimal(38, 12) as list_cost,
    coalesce(contracted_amount, list_amount)::decimal(38, 12) as contracted_cost,
    billed_amount::decimal(38, 12) as billed_cost
from told
