-- A file's rows in their order, those in `moved` with what they get, the others as they are.
select
    usage.* exclude (file_row_number)
    replace (
        if(moved.place is null, usage.list_cost, gets_list_cost) as list_cost,
        if(moved.place is null, usage.contracted_cost, gets_contracted_cost) as contracted_cost,
        if(moved.place is null, usage.rate_id, gets_rate_id) as rate_id,
        if(moved.place is null, usage.price_basis, gets_price_basis) as price_basis,
        if(moved.place is null, usage.unpriced_reason, gets_unpriced_reason) as unpriced_reason,
        if(moved.place is null, usage.rate_card, gets_rate_card) as rate_card
    )
from read_parquet($file, file_row_number = true) as usage
left join moved on moved.place = usage.file_row_number
order by usage.file_row_number
