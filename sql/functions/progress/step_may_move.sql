-- Whether a step may go from one status to another; false for everything else, so that a late call undoes nothing.
create or replace function coursegen.step_may_move(p_from text, p_to text) returns boolean
language sql immutable parallel safe
as $$
    select coalesce((p_from, p_to) in (
        ('pending', 'in_progress'), ('pending', 'completed'), ('pending', 'failed'),
        ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'pending'),
        ('failed', 'in_progress'), ('failed', 'pending')
    ), false)
$$;
