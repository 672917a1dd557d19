-- Hashes of events in chained and signed batches. Incompressible, so stored as they are.
create table if not exists log.seals (
    number bigint primary key,
    last bigint not null,
    count int not null,
    leaves bytea storage external not null,
    hash bytea not null,
    signature bytea not null,
    sealed_at timestamptz not null default now()
);
