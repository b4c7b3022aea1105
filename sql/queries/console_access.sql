-- name: delete_expired_sign_ins
with links as (
    delete from coursegen.console_links where expires_at < now()
)
delete from coursegen.console_sessions where expires_at < now();

-- name: insert_console_link
insert into coursegen.console_links (hash, role, created_by, expires_at)
values (%(hash)s, %(role)s, %(created_by)s, now() + make_interval(secs => %(expires_s)s));

-- name: use_console_link
-- Of two uses at once, one finds the row.
delete from coursegen.console_links
where hash = %(hash)s and expires_at > now()
returning role, created_by;

-- name: insert_console_session
insert into coursegen.console_sessions (hash, operator, role, expires_at)
values (%(hash)s, %(operator)s, %(role)s, now() + make_interval(secs => %(expires_s)s));

-- name: find_console_session
select operator, role from coursegen.console_sessions where hash = %(hash)s and expires_at > now();

-- name: delete_console_session
delete from coursegen.console_sessions where hash = %(hash)s;

-- name: begin_console_form
-- No row if that form was sent before. Forms of earlier days are forgotten.
with old as (
    delete from coursegen.console_forms where sent_at < now() - interval '7 days'
)
insert into coursegen.console_forms (key, operator) values (%(key)s, %(operator)s)
on conflict do nothing
returning key;

-- name: finish_console_form
update coursegen.console_forms set result = %(result)s where key = %(key)s;

-- name: find_console_form
select result, sent_at from coursegen.console_forms where key = %(key)s;
