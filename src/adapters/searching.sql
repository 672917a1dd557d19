-- How far Meilisearch knows the log; where none runs, this stays as it is.
create schema if not exists searching;
create table if not exists searching.progress (
    single boolean primary key default true check (single),
    position bigint not null
);
insert into searching.progress (position) values (0) on conflict do nothing;

-- What is asked of one drawer, which stands in it as ~: its words, wherever they are, among what
-- everybody may find and what is `me`'s. See `filed` in search.sql.
create or replace function searching.of_drawer(asked tsquery, me uuid) returns text
    immutable parallel safe language plpgsql as $$
declare
    words text := regexp_replace(asked::text, '<(-|\d+)>', '&', 'g');
    public text := regexp_replace(words, '''((?:[^'']|'''')+)''', '''~/\1''', 'g');
begin
    return case when me is null then public else format(
        '(%s) | (%s)', public, replace(public, '~/', '~.' || to_hex(uuid_hash(me)) || '/')) end;
end $$;
