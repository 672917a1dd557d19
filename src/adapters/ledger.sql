-- Uploads that arrive in parts, for as long as they do.
create schema if not exists uploads;
create table if not exists uploads.ledger (
    image_id uuid primary key,
    multipart_id text,
    part_size bigint,
    progress text not null,
    metadata text not null,
    next_number int not null default 1,
    fence bigint not null default 0,
    held_until timestamptz not null default '-infinity'
);
