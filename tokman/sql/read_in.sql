-- Calls of the ledger that were read in the files `changed`, with every file that each was read in.
select *
from (
    select
        *,
        list_distinct([file] || coalesce([place.file for place in also_seen], [])) as files
    from read_parquet($files)
)
where list_has_any(files, $changed)
