-- Completed calls whose consumption, model, tier and time are what they were: they keep the price
-- they had, so that a closed month does not move when a second log of it turns up.
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
where
    (
        repriced.provider_name, repriced.request_model, repriced.response_model,
        repriced.service_tier, repriced.speed, repriced.inference_geo,
        repriced.started_at, repriced.response_cache_hit, repriced.status,
        repriced.uncached_input_tokens, repriced.cache_read_input_tokens,
        repriced.cache_write_5m_input_tokens, repriced.cache_write_1h_input_tokens,
        repriced.audio_input_tokens, repriced.cache_read_audio_input_tokens,
        repriced.image_input_tokens, repriced.output_tokens, repriced.reasoning_output_tokens,
        repriced.audio_output_tokens, repriced.image_output_tokens,
        repriced.web_search_requests, repriced.file_search_requests
    ) is not distinct from (
        known.provider_name, known.request_model, known.response_model,
        known.service_tier, known.speed, known.inference_geo,
        known.started_at, known.response_cache_hit, known.status,
        known.uncached_input_tokens, known.cache_read_input_tokens,
        known.cache_write_5m_input_tokens, known.cache_write_1h_input_tokens,
        known.audio_input_tokens, known.cache_read_audio_input_tokens,
        known.image_input_tokens, known.output_tokens, known.reasoning_output_tokens,
        known.audio_output_tokens, known.image_output_tokens,
        known.web_search_requests, known.file_search_requests
    )
