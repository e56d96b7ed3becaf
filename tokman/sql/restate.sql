-- Lines of statements in the batch that say something new: of a line stated more than once the one
-- issued last stands, whatever the order in which they were read.
select batch.*
from batch
anti join (select * exclude (ingest_id) from known) as same
    on batch.statement_id = same.statement_id
    and (batch.issued_at, batch.file, batch.line) <= (same.issued_at, same.file, same.line)
qualify
    row_number() over (
        partition by batch.statement_id
        order by batch.issued_at desc, batch.file desc, batch.line desc
    ) = 1
