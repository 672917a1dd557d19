-- Read model `scanning`. The projector writes the first columns, those of Suspect; whoever scans
-- keeps the others.
create table suspects (
    id uuid primary key,
    owner_id uuid not null,
    attempt uuid,
    finalized_at timestamptz,
    asked bigint not null,
    scanner text not null,
    finding text not null,
    quarantined_at timestamptz,
    confirmed boolean not null,
    taken_down_at timestamptz,
    countered_at timestamptz,
    held_at timestamptz,
    held_by uuid,
    held_for text not null,
    answered bigint not null default 0,
    attempts int not null default 0,
    not_before timestamptz not null default '-infinity',
    failure text
);
create index on suspects (not_before, id) where asked > answered;
create index on suspects (quarantined_at) where quarantined_at is not null;
create index on suspects (taken_down_at) where taken_down_at is not null;
create index on suspects (owner_id) where taken_down_at is not null;
create index on suspects (held_at, id) where held_at is not null;
