-- How far those have read the log who do something about it, once for each event; what they have
-- told people, and what they have yet to tell the CDN.
create schema if not exists reactors;
create table if not exists reactors.progress (
    name text primary key,
    position bigint not null
);
create table if not exists reactors.notices (
    id uuid primary key,  -- of the event and its reader: told once, however often it is read
    account_id uuid not null,
    kind text not null,
    stream_id uuid not null,
    position bigint not null,
    at timestamptz not null,
    read_at timestamptz
);
create index if not exists notices_of on reactors.notices (account_id, position desc, id desc);
create index if not exists notices_about on reactors.notices (stream_id);
