-- Read model `gallery`, one schema a generation. Columns are the fields of Card, Tally and Tagged.
create table images (
    id uuid primary key,
    owner_id uuid not null,
    uploader_id uuid not null,
    version bigint not null,
    size bigint not null,
    filename text not null,
    expires_at timestamptz not null,
    closed boolean not null,
    duplicate_of uuid,
    attempt uuid,
    format text,
    checksum text not null,
    width int not null,
    height int not null,
    frames int not null,
    title text not null,
    description text not null,
    tags text[] not null,
    custom jsonb not null,
    visibility text not null,
    epoch bigint not null,
    cleared boolean not null,
    quarantined boolean not null,
    taken_down boolean not null,
    shares jsonb not null,
    collaborators jsonb not null,
    albums jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    purge_after timestamptz,
    finalized boolean generated always as (attempt is not null) stored
);
create index on images (owner_id, created_at desc, id desc) where finalized and deleted_at is null;
create index on images (owner_id, deleted_at desc, id desc) where deleted_at is not null;
create index on images (created_at desc, id desc) where finalized and deleted_at is null;
create index on images (size desc, id desc) where finalized and deleted_at is null;
create index on images (lower(title), id) where finalized and deleted_at is null;
create index on images using gin (tags) where finalized and deleted_at is null;
create index on images using gin (custom jsonb_path_ops) where custom <> '{}';
create index on images (owner_id, checksum) where finalized;
create index on images (expires_at) where not finalized and not closed;
create index on images (purge_after, id) where deleted_at is not null;
create index on images using gin (collaborators) where collaborators <> '{}';
create index on images (owner_id) where owner_id <> uploader_id;
create index on images using gin (albums) where albums <> '{}';
create index on images using gin (shares jsonb_path_ops) where shares <> '{}';
create index on images (duplicate_of) where duplicate_of is not null;
create table usage (
    account_id uuid primary key,
    images bigint not null,
    storage_bytes bigint not null,
    reserved_bytes bigint not null,
    uploads bigint not null,
    listed bigint not null,
    withheld bigint not null
);
create table tags (
    owner_id uuid,
    tag text,
    listed bigint not null,
    withheld bigint not null,
    primary key (owner_id, tag)
);
