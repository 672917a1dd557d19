-- What usage is metered from, and what was metered: all of it from the log, so it can be made again.
create schema if not exists metering;
create table if not exists metering.progress (
    single boolean primary key default true check (single),
    position bigint not null,
    hour timestamptz  -- up to which everything was metered; null before the first time
);
insert into metering.progress (position) values (0) on conflict do nothing;
-- How long each original is kept, by whole seconds. Ids, sizes and times: purged images stay in it.
create table if not exists metering.spans (
    image_id uuid primary key,
    owner_id uuid not null,
    organization boolean not null,
    size bigint not null,
    kept_from timestamptz,
    kept_until timestamptz
);
create index if not exists spans_of_owner on metering.spans (owner_id);
-- Hours of which something came to light after they were metered.
create table if not exists metering.late (
    owner_id uuid not null,
    hour timestamptz not null,
    primary key (owner_id, hour)
);
create table if not exists metering.statements (
    id uuid primary key,
    owner_id uuid not null,
    organization boolean not null,
    month text not null,
    closed boolean not null
);
alter table metering.statements add column if not exists version bigint not null default 0;
create table if not exists metering.lines (
    position bigint primary key,
    statement_id uuid not null,
    owner_id uuid not null,
    organization boolean not null,
    hour timestamptz not null,
    at timestamptz not null,
    corrects boolean not null,  -- an hour of a month that was closed
    storage_byte_seconds numeric not null,
    uploads bigint not null,
    views bigint not null,
    downloads bigint not null,
    egress_bytes bigint not null,
    transforms bigint not null
);
create index if not exists lines_by_hour on metering.lines (hour);
create index if not exists lines_of_owner on metering.lines (owner_id, hour);
create index if not exists hours_by_hour on counting.hours (hour);
