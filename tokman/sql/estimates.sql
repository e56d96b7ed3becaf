-- Calls with texts, and how many bytes of them; in the place of a count by size that by the model's
-- encoding, where the log was read again (`reread`) for it. `held_…` is what the ledger has.
with again as (
    select call_id, uncached_input_tokens, output_tokens, count_basis
    from reread
    where count_basis in ('exact', 'tiktoken')
    qualify
        row_number() over (
            partition by call_id
            order by count_basis, output_tokens desc, uncached_input_tokens desc
        ) = 1
),

joined as (
    select
        calls.*,
        again.uncached_input_tokens as asked,
        again.output_tokens as written,
        again.count_basis as basis,
        again.count_basis = 'exact' and calls.count_basis in ('bytes', 'ratio', 'tiktoken')
        or again.count_basis = 'tiktoken' and calls.count_basis = 'bytes' as better
    from read_parquet($files) as calls
    left join again using (call_id)
    where block_sizes is not null
)

select
    * exclude (asked, written, basis, better) replace (
        if(better, asked, uncached_input_tokens) as uncached_input_tokens,
        if(better, written, output_tokens) as output_tokens,
        if(better, basis, count_basis) as count_basis,
        if(better, null, count_margin) as count_margin
    ),
    coalesce(better, false) as told_by_text,
    uncached_input_tokens + output_tokens as held_tokens,
    list_cost as held_list_cost,
    coalesce(provider_name, '') as provider,
    regexp_replace(
        lower(coalesce(response_model, request_model)), '[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2}.*', ''
    ) as family,
    list_sum(block_sizes) as input_bytes
from joined
