-- Read model `search`. Columns are the fields of Entry; what Postgres searches is derived.
create function words(tags text[]) returns text immutable parallel safe
    language sql return array_to_string(tags, ' ');
-- As tsquery.py reads what is asked: no punctuation makes a word, a number or an address of several
-- ones, and where nobody puts spaces, every character is a word.
create function spaced(text text) returns text immutable parallel safe
    language sql return regexp_replace(
        regexp_replace(searching.folded(text), '[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]+', ' ', 'g'),
        '([\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff'
        '\uac00-\ud7af\U00020000-\U0003ffff]'
        '|[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3]'
        '[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059'
        '\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u17b4-\u17d3]*)', ' \1 ', 'g');
-- Lexemes as a drawer holds them, to be looked for drawer by drawer, the newest first: what arrived
-- in 32,768 positions of the log shares one (some 8,000 images), and what not everybody may find is
-- in one of its owner's beside it.
create function filed(tsv tsvector, listed boolean, owner_id uuid, arrival bigint) returns tsvector
    immutable parallel safe language plpgsql as $$
declare
    drawer text := to_hex(arrival >> 15)
        || case when listed then '/' else '.' || to_hex(uuid_hash(owner_id)) || '/' end;
begin
    return array_to_tsvector(string_to_array(
        drawer || array_to_string(tsvector_to_array(tsv), chr(31) || drawer), chr(31)));
end $$;
create table texts (
    id uuid primary key,
    owner_id uuid not null,
    filename text not null,
    title text not null,
    description text not null,
    tags text[] not null,
    format text,
    created_at timestamptz not null,
    arrival bigint not null,
    barred text[] not null,
    listed boolean generated always as (barred = '{}') stored,
    tsv tsvector generated always as (
        setweight(searching.lexemes(spaced(title)), 'A')
        || setweight(searching.lexemes(spaced(words(tags))), 'B')
        || setweight(searching.lexemes(spaced(description)), 'C')
        || setweight(searching.lexemes(spaced(filename)), 'D')
        || searching.pictures(title || words(tags) || description || filename)
    ) stored
);
create index on texts using gin (tsv);
-- Without a list of what is still to be sorted in: that would be read once for every drawer.
create index on texts using gin (filed(tsv, listed, owner_id, arrival)) with (fastupdate = off);
