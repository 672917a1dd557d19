-- Read model `organizations`. Columns are the fields of OrganizationCard.
create table organizations (
    id uuid primary key,
    version bigint not null,
    name text not null,
    plan text not null,
    quota_bytes bigint not null,
    members jsonb not null,
    teams jsonb not null,
    invitations jsonb not null,
    reached int not null,
    created_at timestamptz not null
);
create index on organizations using gin (members);
create index on organizations using gin (teams) where teams <> '{}';
create index on organizations using gin (invitations) where invitations <> '{}';
