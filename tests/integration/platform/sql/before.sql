-- A platform whose courses have a publication status and no generation.
create type tier as enum ('free', 'basic_plus', 'standard', 'premium');
create type role as enum ('admin', 'instructor', 'student');
create type course_status as enum ('draft', 'published', 'archived');
create type lesson_type as enum ('video', 'text', 'quiz', 'interactive', 'assignment');
create type lesson_status as enum ('draft', 'published', 'archived');
create type vector_status as enum ('pending', 'indexing', 'indexed', 'failed');

create table organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    tier tier not null default 'free',
    storage_quota_bytes bigint not null default 10485760,
    storage_used_bytes bigint not null default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    constraint organizations_name_unique unique (name),
    constraint organizations_storage_check check (storage_used_bytes between 0 and storage_quota_bytes)
);

create table users (
    id uuid primary key default auth.uid(),
    email text not null,
    organization_id uuid not null references organizations (id) on delete cascade,
    role role not null default 'student',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    constraint users_email_unique unique (email)
);

create table courses (
    id uuid primary key default gen_random_uuid(),
    title text not null,
    slug text not null,
    user_id uuid not null references users (id) on delete cascade,
    organization_id uuid not null references organizations (id) on delete cascade,
    status course_status not null default 'draft',
    settings jsonb default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    constraint courses_slug_org_unique unique (organization_id, slug)
);
create index idx_courses_user_id on courses (user_id);
create index idx_courses_organization_id on courses (organization_id);
create index idx_courses_status on courses (status);
create index idx_courses_slug on courses (slug);

create table sections (
    id uuid primary key default gen_random_uuid(),
    course_id uuid not null references courses (id) on delete cascade,
    title text not null,
    description text,
    order_index integer not null,
    metadata jsonb default '{}',
    created_at timestamptz default now(),
    constraint sections_order_unique unique (course_id, order_index),
    constraint sections_order_positive check (order_index > 0)
);

create table lessons (
    id uuid primary key default gen_random_uuid(),
    section_id uuid not null references sections (id) on delete cascade,
    title text not null,
    order_index integer not null,
    duration_minutes integer check (duration_minutes > 0),
    lesson_type lesson_type not null,
    status lesson_status not null default 'draft',
    metadata jsonb default '{}',
    created_at timestamptz default now(),
    constraint lessons_order_unique unique (section_id, order_index),
    constraint lessons_order_positive check (order_index > 0)
);

create table lesson_content (
    lesson_id uuid primary key references lessons (id) on delete cascade,
    text_content text,
    media_urls text[],
    quiz_data jsonb,
    interactive_elements jsonb,
    updated_at timestamptz default now()
);

create table file_catalog (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations (id) on delete cascade,
    course_id uuid references courses (id) on delete cascade,
    filename text not null,
    file_type text not null,
    file_size bigint not null check (file_size > 0),
    storage_path text not null,
    hash text not null,
    mime_type text not null,
    vector_status vector_status not null default 'pending',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create function update_updated_at_column() returns trigger language plpgsql security definer as $$
begin
    new.updated_at := now();
    return new;
end
$$;
create trigger update_courses_updated_at before update on courses
    for each row execute function update_updated_at_column();
create trigger update_file_catalog_updated_at before update on file_catalog
    for each row execute function update_updated_at_column();

create function update_course_progress(
    p_course_id uuid, p_step_id integer, p_status text, p_message text,
    p_execution_id text default null, p_percent_complete integer default null, p_metadata jsonb default '{}'
) returns boolean language plpgsql security definer set search_path = public, pg_catalog as $$
begin
    update courses
    set progress = p_metadata || jsonb_build_object('step', p_step_id, 'message', p_message,
            'executionId', p_execution_id, 'percentComplete', p_percent_complete),
        status = case when p_status in ('completed', 'failed') then p_status else 'generating' end
    where id = p_course_id;
    return found;
end
$$;

alter table organizations enable row level security;
alter table users enable row level security;
alter table courses enable row level security;
alter table sections enable row level security;
alter table lessons enable row level security;
alter table lesson_content enable row level security;
alter table file_catalog enable row level security;
create policy organizations_read on organizations for select to authenticated
    using (id = (auth.jwt() ->> 'organization_id')::uuid);
create policy users_read on users for select to authenticated
    using (id = auth.uid()
        or organization_id = (auth.jwt() ->> 'organization_id')::uuid and auth.jwt() ->> 'role' <> 'student');
create policy courses_read on courses for select to authenticated
    using (organization_id = (auth.jwt() ->> 'organization_id')::uuid and auth.jwt() ->> 'role' in ('admin', 'instructor'));
create policy courses_modify on courses to authenticated
    using (organization_id = (auth.jwt() ->> 'organization_id')::uuid
        and (auth.jwt() ->> 'role' = 'admin' or auth.jwt() ->> 'role' = 'instructor' and user_id = auth.uid()));
create policy sections_read on sections for select to authenticated
    using (exists (select from courses c where c.id = course_id));
create policy lessons_read on lessons for select to authenticated
    using (exists (select from sections s where s.id = section_id));
create policy lesson_content_read on lesson_content for select to authenticated
    using (exists (select from lessons l where l.id = lesson_id));
create policy file_catalog_all on file_catalog to authenticated
    using (organization_id = (auth.jwt() ->> 'organization_id')::uuid
        and (auth.jwt() ->> 'role' = 'admin'
            or exists (select from courses c where c.id = course_id and c.user_id = auth.uid())));
