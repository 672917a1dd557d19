-- Read model `blocklist`. Columns are the fields of Blocked.
create table entries (
    id uuid primary key,
    version bigint not null,
    manner text not null,
    reason text not null,
    fingerprint bigint,
    added_by uuid not null,
    added_at timestamptz not null
);
create index entries_oldest on entries (added_at, id);
