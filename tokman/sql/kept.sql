-- Calls read in a corrected file that were also read where nothing can be read again: what is held
-- of them stays, as a sighting of those places.
select
    * exclude (files, places)
    replace (
        places[1].source as source,
        places[1].file as file,
        places[1].line as line,
        nullif(places[2:], []) as also_seen
    )
from (
    select
        *,
        list_filter(
            [{'source': source, 'file': file, 'line': line}] || coalesce(also_seen, []),
            lambda place: not list_contains($whole, place.file)
        ) as places
    from stale
)
where not list_has_all($whole, files)
