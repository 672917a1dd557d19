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
create table if not exists reactors.purges (
    image_id uuid primary key,
    position bigint not null,
    due_at timestamptz not null default '-infinity',
    visits_left int not null default 2,
    attempts int not null default 0
);
create index if not exists purges_due on reactors.purges (due_at);
