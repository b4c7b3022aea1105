-- Two organisations, their people, and courses of bob's.
insert into auth.users (id, aud, role, email) values
    ('00000000-0000-0000-0000-0000000000a1', 'authenticated', 'authenticated', 'ann@example.org'),
    ('00000000-0000-0000-0000-0000000000a2', 'authenticated', 'authenticated', 'bob@example.org');
insert into organizations (id, name, tier) values
    ('00000000-0000-0000-0000-0000000000b1', 'One', 'free'), ('00000000-0000-0000-0000-0000000000b2', 'Two', 'premium');
insert into users (id, email, organization_id, role) values
    ('00000000-0000-0000-0000-0000000000a1', 'ann@example.org', '00000000-0000-0000-0000-0000000000b1', 'admin'),
    ('00000000-0000-0000-0000-0000000000a2', 'bob@example.org', '00000000-0000-0000-0000-0000000000b2', 'instructor');
insert into courses (id, title, slug, user_id, organization_id)
select
    format('00000000-0000-0000-0000-00000000c%s', lpad(n::text, 3, '0'))::uuid, 'Курс ' || n, 'course-' || n,
    '00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-0000000000b2'
from generate_series(1, 150) n;
insert into file_catalog (
    id, organization_id, course_id, filename, file_type, file_size, storage_path, hash, mime_type
) values (
    '00000000-0000-0000-0000-0000000000f1', '00000000-0000-0000-0000-0000000000b2',
    '00000000-0000-0000-0000-00000000c001', 'notes.md', 'md', 92, 'uploads/b2/c1/notes.md', 'hash-1', 'text/markdown'
);
