-- How far Meilisearch knows the log; where none runs, this stays as it is.
create schema if not exists searching;
create table if not exists searching.progress (
    single boolean primary key default true check (single),
    position bigint not null
);
insert into searching.progress (position) values (0) on conflict do nothing;
