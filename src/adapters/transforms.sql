-- Transforms that were made on demand: which are stored, and how many were made of an image today.
create schema if not exists transforms;
create table if not exists transforms.made (
    image_id uuid not null,
    name text not null,  -- the end of its key in the object store
    size bigint,  -- null as long as it is being made
    held_until timestamptz not null,  -- by whoever makes it
    used_at timestamptz not null default now(),  -- to within an hour
    primary key (image_id, name)
);
create index if not exists made_used on transforms.made (used_at);
create table if not exists transforms.budgets (
    image_id uuid not null,
    day date not null,
    spent int not null,
    primary key (image_id, day)
);
