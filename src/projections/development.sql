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
create table prints (
    id uuid primary key references exposures (id) on delete cascade,
    recipe text not null,
    placeholder text not null,
    scrubbed boolean not null,
    alpha boolean not null,
    metadata jsonb not null,
    variants jsonb not null
);
