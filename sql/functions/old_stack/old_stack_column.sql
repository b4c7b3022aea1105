-- The column of `courses` in which the old stack shows what it does; null where none does, as in a column of this service.
create or replace function coursegen.old_stack_column() returns text
language sql stable
as $$
    select max(m.column_name) from coursegen.status_map m where m.source <> 'own'
$$;
