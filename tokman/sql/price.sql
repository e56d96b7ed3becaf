-- Usage with its price: every column of rates_usage, then list_cost, contracted_cost, rate_id,
-- price_basis and unpriced_reason. Amounts are counted in whole pico-dollars (1e-12 USD).
--
-- rates_combination: names, tier, speed and place in the logs → a group, or why there is none
-- rates_group:       a group → model, tier, speed and place in the card
-- rates_share:       a group → the part of the list price that is paid from a moment to the next
-- rates_card:        the rate card, prices in pico-USD per unit
WITH rate AS MATERIALIZED (
    -- The rows of the card that this usage needs, cut where a discount begins or ends.
    SELECT
        needed.group_id,
        coalesce(greatest(valid_from, share_from), '-infinity') AS valid_from,
        coalesce(least(valid_to, share_to), 'infinity') AS valid_to,
        tod_from,
        tod_to,
        coalesce(prompt_gt, -1) AS prompt_gt,
        coalesce(prompt_le, 9223372036854775807) AS prompt_le,
        rate_id,
        basis,
        numerator,
        denominator,
        COLUMNS(lambda name: starts_with(name, 'price_')),
        (
            price_uncached_input_tokens
            + price_cache_read_input_tokens
            + price_cache_write_5m_input_tokens
            + price_cache_write_1h_input_tokens
            + price_audio_input_tokens
            + price_cache_read_audio_input_tokens
            + price_image_input_tokens
            + price_output_tokens
            + price_audio_output_tokens
            + price_image_output_tokens
        ) IS NOT NULL AS complete
    FROM rates_group AS needed
    JOIN rates_card AS card
        ON card.provider_id = needed.provider_id
        AND card.model_id = needed.model_id
        AND card.tier = needed.tier
        AND card.speed = needed.speed
        AND card.geo IS NOT DISTINCT FROM needed.geo
    JOIN rates_share AS share
        ON share.group_id = needed.group_id
        AND (valid_from IS NULL OR share_to IS NULL OR valid_from < share_to)
        AND (valid_to IS NULL OR share_from IS NULL OR share_from < valid_to)
),
counted AS (
    SELECT
        *,
        -- Long prompts cost more from a length that counts every token of the prompt, cached too.
        uncached_input_tokens
        + cache_read_input_tokens
        + cache_write_5m_input_tokens
        + cache_write_1h_input_tokens
        + audio_input_tokens
        + cache_read_audio_input_tokens
        + image_input_tokens AS rates_prompt,
        output_tokens
        + audio_output_tokens
        + image_output_tokens
        + web_search_requests
        + file_search_requests AS rates_rest,
        epoch_us(started_at) % 86400000000 AS rates_time
    FROM rates_usage
),
listed AS (
    SELECT
        counted.*,
        rate.rate_id AS rates_id,
        rate.basis AS rates_basis,
        rate.numerator AS rates_numerator,
        rate.denominator AS rates_denominator,
        named.reason AS rates_reason,
        -- Wide integers, for no count in a log may stop the run. An unpriced fee is no charge.
        uncached_input_tokens::HUGEINT * coalesce(price_uncached_input_tokens, 0)
        + cache_read_input_tokens::HUGEINT * coalesce(price_cache_read_input_tokens, 0)
        + cache_write_5m_input_tokens::HUGEINT * coalesce(price_cache_write_5m_input_tokens, 0)
        + cache_write_1h_input_tokens::HUGEINT * coalesce(price_cache_write_1h_input_tokens, 0)
        + audio_input_tokens::HUGEINT * coalesce(price_audio_input_tokens, 0)
        + cache_read_audio_input_tokens::HUGEINT * coalesce(price_cache_read_audio_input_tokens, 0)
        + image_input_tokens::HUGEINT * coalesce(price_image_input_tokens, 0)
        + output_tokens::HUGEINT * coalesce(price_output_tokens, 0)
        + audio_output_tokens::HUGEINT * coalesce(price_audio_output_tokens, 0)
        + image_output_tokens::HUGEINT * coalesce(price_image_output_tokens, 0)
        + web_search_requests::HUGEINT * coalesce(price_web_search_requests, 0)
        + file_search_requests::HUGEINT * coalesce(price_file_search_requests, 0)
        -- What a reasoning token costs beyond the output token it is.
        + reasoning_output_tokens::HUGEINT * price_reasoning_output_tokens
        + coalesce(price_per_request, 0) AS rates_list,
        -- A token that is sold, but not at a price per token, must not look free.
        CASE
            WHEN complete THEN NULL
            WHEN price_uncached_input_tokens IS NULL AND uncached_input_tokens > 0
                THEN 'uncached input tokens'
            WHEN price_cache_read_input_tokens IS NULL AND cache_read_input_tokens > 0
                THEN 'cache read input tokens'
            WHEN price_cache_write_5m_input_tokens IS NULL AND cache_write_5m_input_tokens > 0
                THEN 'cache write 5m input tokens'
            WHEN price_cache_write_1h_input_tokens IS NULL AND cache_write_1h_input_tokens > 0
                THEN 'cache write 1h input tokens'
            WHEN price_audio_input_tokens IS NULL AND audio_input_tokens > 0
                THEN 'audio input tokens'
            WHEN price_cache_read_audio_input_tokens IS NULL AND cache_read_audio_input_tokens > 0
                THEN 'cache read audio input tokens'
            WHEN price_image_input_tokens IS NULL AND image_input_tokens > 0
                THEN 'image input tokens'
            WHEN price_output_tokens IS NULL AND output_tokens > 0
                THEN 'output tokens'
            WHEN price_audio_output_tokens IS NULL AND audio_output_tokens > 0
                THEN 'audio output tokens'
            WHEN price_image_output_tokens IS NULL AND image_output_tokens > 0
                THEN 'image output tokens'
        END AS rates_gap
    FROM counted
    LEFT JOIN rates_combination AS named
        ON named.provider_name IS NOT DISTINCT FROM counted.provider_name
        AND named.request_model IS NOT DISTINCT FROM counted.request_model
        AND named.response_model IS NOT DISTINCT FROM counted.response_model
        AND named.service_tier IS NOT DISTINCT FROM counted.service_tier
        AND named.speed IS NOT DISTINCT FROM counted.speed
        AND named.inference_geo IS NOT DISTINCT FROM counted.inference_geo
    LEFT JOIN rate
        ON rate.group_id = named.group_id
        AND counted.started_at >= rate.valid_from
        AND counted.started_at < rate.valid_to
        AND rates_time >= rate.tod_from
        AND rates_time < rate.tod_to
        AND rates_prompt > rate.prompt_gt
        AND rates_prompt <= rate.prompt_le
),
judged AS (
    SELECT
        *,
        CASE
            WHEN response_cache_hit THEN 'response cache'
            WHEN rates_prompt + rates_rest = 0 AND output_basis = 'partial' AND status = 'ok' THEN NULL
            WHEN rates_prompt + rates_rest = 0 THEN 'nothing used'
            WHEN rates_list BETWEEN 0 AND 999999999999999999 AND rates_gap IS NULL THEN rates_basis
        END AS rates_decision,
        CASE rates_decision
            WHEN 'response cache' THEN 0
            WHEN 'nothing used' THEN 0
            WHEN rates_basis THEN rates_list::BIGINT
        END AS rates_amount
    FROM listed
),
discounted AS (
    -- Twice what is paid of the list price, plus a half to round by; NULL without a discount.
    SELECT
        *,
        CASE WHEN rates_numerator <> rates_denominator
            THEN 2 * rates_amount::HUGEINT * rates_numerator + rates_denominator
        END AS rates_doubled,
        rates_doubled // (2 * rates_denominator) AS rates_paid
    FROM judged
)
SELECT
    COLUMNS(lambda name: NOT starts_with(name, 'rates_')),
    (rates_amount::DECIMAL(18, 0) * 0.000000000001)::DECIMAL(18, 12) AS list_cost,
    CASE
        WHEN rates_doubled IS NULL THEN list_cost
        -- Rounded half to even: an exact half that went up to an odd number goes down.
        WHEN rates_doubled % (2 * rates_denominator) = 0 AND rates_paid % 2 = 1
            THEN ((rates_paid - 1)::DECIMAL(18, 0) * 0.000000000001)::DECIMAL(18, 12)
        ELSE (rates_paid::DECIMAL(18, 0) * 0.000000000001)::DECIMAL(18, 12)
    END AS contracted_cost,
    CASE WHEN rates_decision = rates_basis THEN rates_id END AS rate_id,
    rates_decision AS price_basis,
    CASE
        WHEN rates_decision IS NOT NULL THEN NULL
        WHEN rates_prompt + rates_rest = 0 THEN 'no token counts in the log'
        WHEN rates_basis IS NULL AND started_at IS NULL AND rates_reason LIKE '%at that date'
            THEN 'no time stated'
        WHEN rates_basis IS NULL THEN rates_reason
        WHEN rates_gap IS NOT NULL THEN 'no price for ' || rates_gap
        WHEN rates_list IS NULL THEN 'a quantity is missing'
        ELSE 'amount out of range'
    END AS unpriced_reason
FROM discounted

