-- Calls that were billed and gave nothing: failures with usage, and JSON that was cut off.
-- Where somebody stopped a stream, the tokens were shown to them: that is no failure. An answer that
-- is reported a success, or that merely ends at its limit, may have been of use.
select
    call,
    if(ok, 'cut answer', 'billed error') as rule,
    call as episode,
    1 as size,
    calls.max_output_tokens::double as measure
from calls
where
    calls.success is not true
    and case
        when ok
            then cut and structured_output
        else
            calls.status = 'error'
            and not calls.response_cache_hit
            and not (
                coalesce(stream, false)
                and regexp_matches(coalesce(error_type, ''), 'cancel|abort|disconnect|closed', 'i')
            )
    end
