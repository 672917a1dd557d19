-- What was answered under an Idempotency-Key, and who is at it. Progress is no fact: it is kept
-- apart from the log, and only for a day.
create schema if not exists idempotency;
create table if not exists idempotency.records (
    id bytea primary key,  -- keyed hash of account or client, method, path and key
    holder uuid not null,  -- the run that may answer
    held_until timestamptz not null,
    seed uuid not null,
    begun_at timestamptz not null,
    expires_at timestamptz not null,
    fingerprint bytea,  -- keyed hash of the body's digest
    answer bytea,  -- sealed under a key derived from the instance's
    account_id uuid,
    subjects uuid[] not null default '{}'  -- the images and uploads that the answer speaks of
);
create index if not exists records_expires_at on idempotency.records (expires_at);
create index if not exists records_account on idempotency.records (account_id);
create index if not exists records_subjects on idempotency.records using gin (subjects);
