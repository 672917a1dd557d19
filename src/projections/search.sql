-- Read model `search`. Columns are the fields of Entry; what Postgres searches is derived.
create function words(tags text[]) returns text immutable parallel safe
    language sql return array_to_string(tags, ' ');
create table entries (
    id uuid primary key,
    owner_id uuid not null,
    filename text not null,
    title text not null,
    description text not null,
    tags text[] not null,
    tsv tsvector generated always as (
        setweight(to_tsvector('simple', title), 'A')
        || setweight(to_tsvector('simple', words(tags)), 'B')
        || setweight(to_tsvector('simple', description), 'C')
        || setweight(to_tsvector('simple', regexp_replace(filename, '[._-]+', ' ', 'g')), 'D')
    ) stored
);
create index on entries using gin (tsv);
