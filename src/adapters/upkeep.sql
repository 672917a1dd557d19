-- Rebuilds that were ordered, and how far they are; the log knows who ordered them.
create schema if not exists upkeep;
create table if not exists upkeep.rebuilds (
    model text primary key,
    ordered_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    position bigint not null default 0,
    head bigint not null default 0,
    events bigint not null default 0,  -- of the process that works at it
    seconds double precision not null default 0,
    error text
);
