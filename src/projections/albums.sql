-- Read model `albums`. Columns are the fields of AlbumCard.
create table albums (
    id uuid primary key,
    owner_id uuid not null,
    version bigint not null,
    team_id uuid,
    parent_id uuid,
    title text not null,
    description text not null,
    visibility text not null,
    cover_id uuid,
    arranged uuid[] not null,
    shares jsonb not null,
    collaborators jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index on albums (owner_id, created_at desc, id desc);
create index on albums (created_at desc, id desc) where visibility = 'public';
create index on albums (owner_id) where team_id is not null;
create index on albums (parent_id) where parent_id is not null;
create index on albums using gin (collaborators) where collaborators <> '{}';
create index on albums using gin (shares jsonb_path_ops) where shares <> '{}';
