-- How far Meilisearch knows the log; where none runs, this stays as it is.
create schema if not exists searching;
create table if not exists searching.progress (
    single boolean primary key default true check (single),
    position bigint not null
);
insert into searching.progress (position) values (0) on conflict do nothing;

-- What is asked of one drawer, which stands in it as ~: its words, wherever they are, among what
-- everybody may find and what is `me`'s. See `filed` in search.sql.
create or replace function searching.of_drawer(asked tsquery, me uuid) returns text
    immutable parallel safe language plpgsql as $$
declare
    words text := regexp_replace(asked::text, '<(-|\d+)>', '&', 'g');
    public text := regexp_replace(words, '''((?:[^'']|'''')+)''', '''~/\1''', 'g');
begin
    return case when me is null then public else format(
        '(%s) | (%s)', public, replace(public, '~/', '~.' || to_hex(uuid_hash(me)) || '/')) end;
end $$;

-- The same as it is found: a space for each sign between words, whatever Postgres's parser thinks of it
-- (in one locale it takes a curly quote or an emoji for a letter, in another it does not); wide, narrow
-- and joined letters as the plain ones; Latin, Greek, Hebrew and Arabic without accents and points, and
-- no difference between the two Russian letters e, and the two Turkish letters i. Emoji are words of their own.
create or replace function searching.folded(text text) returns text
    immutable parallel safe language sql return case when text ~ '[^\x01-\x7f]' then normalize(regexp_replace(
        normalize(regexp_replace(translate(text, 'ı', 'i'),
            '[\u007f-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u05be\u060c\u061b\u061f\u0964\u0965'
            '\u2000-\u206f\u20a0-\u20ff\u2122\u2190-\u245f\u2500-\u27bf\u2b00-\u2bff\u2e00-\u2e7f\u3000-\u3004'
            '\u3008-\u3020\u3030\u30a0\u30fb\ufe00-\ufe0f\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40'
            '\uff5b-\uff65\U0001f000-\U0001faff\U000e0000-\U000e007f]', ' ', 'g'), nfkd),
        '([A-Za-z\u0415\u0435\u0370-\u03ff\u05d0-\u06ff])'
        '[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]+',
        '\1', 'g'), nfkc) else text end;
create or replace function searching.pictures(text text) returns tsvector
    immutable parallel safe language sql return array_to_tsvector(array(
        select distinct picture[1] from regexp_matches(text,
            '[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]', 'g') picture));
