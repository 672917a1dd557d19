-- Read model `accounts`. Columns are the fields of Profile.
create table profiles (
    id uuid primary key,
    version bigint not null,
    username text not null,
    email text not null,
    plan text not null,
    quota_bytes bigint not null,
    default_visibility text not null,
    keep_gps boolean not null,
    notify jsonb not null,
    duplicates text not null,
    verified boolean not null,
    second_factor boolean not null,
    suspended boolean not null,
    strikes uuid[] not null,
    administrator boolean not null,
    reached int not null,
    presets jsonb not null,
    created_at timestamptz not null
);
create index profiles_newest on profiles (created_at, id);
