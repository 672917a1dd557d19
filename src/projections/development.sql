-- Read model `development`. The projector writes an exposure's first columns; whoever develops it
-- keeps the others, and writes its print in the same transaction.
create table exposures (
    id uuid primary key,
    owner_id uuid not null,
    attempt uuid,
    format text,
    width int not null default 0,
    height int not null default 0,
    frames int not null default 1,
    developed boolean not null default false,
    attempts int not null default 0,
    not_before timestamptz not null default '-infinity',
    failure text
);
create index on exposures (not_before) where format is not null and not developed;
create table traits (
    id uuid primary key references exposures (id) on delete cascade,
    crc bigint not null,
    scrubbed_size bigint,
    scrubbed_crc bigint,
    fingerprint bigint
);
-- A quarter of a fingerprint each: what differs in 4 n + 3 bits has a quarter that differs in n.
create index on traits ((fingerprint >> 48 & 65535));
create index on traits ((fingerprint >> 32 & 65535));
create index on traits ((fingerprint >> 16 & 65535));
create index on traits ((fingerprint & 65535));
create table prints (
    id uuid primary key references exposures (id) on delete cascade,
    recipe text not null,
    placeholder text not null,
    scrubbed boolean not null,
    alpha boolean not null,
    faithful boolean not null,
    metadata jsonb not null,
    variants jsonb not null,
    refined boolean not null default false
);
create index on prints (id) where not refined;
create index on prints ((metadata ->> 'taken_at') collate "C");
