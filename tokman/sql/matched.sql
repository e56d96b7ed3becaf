-- The ids that calls had before --match-fuzzy took them to be another log's, with the id they got.
select
    unnest(matched_ids) as matched_id,
    call_id
from read_parquet(?)
where matched_ids is not null
