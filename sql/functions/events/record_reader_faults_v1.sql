-- Records an event for each document on which a reader of ours broke: its format, and the place in our code.
create or replace function coursegen.record_reader_faults_v1(p_generation_id uuid, p_faults jsonb) returns void
language sql
as $$
    select coursegen.record_own_event('document_reader_failed', 'error', p_generation_id, fault.value)
    from jsonb_array_elements(p_faults) fault
$$;
