-- What is to be destroyed, and what was: ids and counts only, so that it can stay for ever.
create schema if not exists erasure;
create table if not exists erasure.tasks (
    subject uuid primary key,
    kind text not null,
    receipt_id uuid not null unique,
    owner_id uuid not null,
    position bigint not null,
    requested_at timestamptz not null,
    removed json not null default '{}',
    completed_at timestamptz,
    again boolean not null default false,
    attempts int not null default 0,
    not_before timestamptz not null default '-infinity',
    visits_left int not null default 2
);
create index if not exists tasks_due on erasure.tasks (not_before) where visits_left > 0;
create index if not exists tasks_position on erasure.tasks (position);
create index if not exists tasks_open on erasure.tasks (owner_id) where completed_at is null;
create index if not exists tasks_of_owner on erasure.tasks (owner_id, position);
create table if not exists erasure.progress (
    single boolean primary key default true check (single),
    position bigint not null default 0,
    compacted_at timestamptz not null default '-infinity'
);
insert into erasure.progress default values on conflict do nothing;
