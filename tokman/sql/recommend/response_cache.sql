-- The calls that a kept answer stands in for: they consume nothing.
select
    current.* exclude (cost) replace (
        0 as uncached_input_tokens,
        0 as cache_read_input_tokens,
        0 as cache_write_5m_input_tokens,
        0 as cache_write_1h_input_tokens,
        0 as audio_input_tokens,
        0 as cache_read_audio_input_tokens,
        0 as image_input_tokens,
        0 as output_tokens,
        0 as reasoning_output_tokens,
        0 as audio_output_tokens,
        0 as image_output_tokens,
        0 as web_search_requests,
        0 as file_search_requests,
        'final' as output_basis
    ),
    keeping.cell
from served
inner join current using (call)
inner join keeping
    on keeping.workflow is not distinct from served.workflow
    and keeping.provider_id = served.provider_id
    and keeping.model_id = served.model_id
where
    not served.too_early
    and (
        keeping.declared
        or not exists (
            select 1
            from served as other
            where other.request = served.request and other.response_hash <> other.first_hash
        )
    )
