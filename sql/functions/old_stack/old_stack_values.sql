-- The values of a course's status with which the old stack is at work: those that the map of statuses or its changes name,
-- without ends and `pending`, with which it was only asked.
create or replace function coursegen.old_stack_values() returns text[]
language sql stable
as $$
    select array(
        select m.value from coursegen.status_map m where m.value is not null
        union select c.old_value from coursegen.status_changes c
        union select c.new_value from coursegen.status_changes c
        except select m.value from coursegen.status_map m where m.status in ('completed', 'failed', 'cancelled')
        except values ('pending'), ('completed'), ('failed'), ('cancelled')
    )
$$;
