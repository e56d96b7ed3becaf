-- The usage without the calls that were stopped: they keep their row and consume nothing.
select
    current.* exclude (cost) replace (
        'final' as output_basis,
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
        0 as file_search_requests
    ),
    stop_cells.cell
from current
inner join stopped using (call)
inner join calls using (call)
inner join stop_cells
    on stop_cells.rule = stopped.rule
    and stop_cells.workflow is not distinct from calls.workflow
