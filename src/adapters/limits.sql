-- How often everybody has asked lately. Not logged: a crash forgives, and no request waits for a disk.
create schema if not exists limits;
create unlogged table if not exists limits.counts (
    key text primary key,
    since bigint not null,  -- microseconds since 1970, as all moments here
    at bigint not null,
    used_until bigint not null,
    asked bigint not null,
    granted bigint not null,
    most bigint not null,
    every bigint not null,
    step bigint not null
) with (fillfactor = 50);
