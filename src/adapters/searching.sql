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

-- The same, character by character, as it is found: Latin and Greek letters without their accents,
-- and a space for each sign between words, whatever Postgres's parser thinks of it (in one locale it
-- takes a curly quote or an emoji for a letter, in another it does not). Emoji are words of their own.
create or replace function searching.folded(text text) returns text
    immutable parallel safe language sql return case when text ~ '[^\x01-\x7f]' then regexp_replace(
        normalize(regexp_replace(
            normalize(text, nfd), '([A-Za-z\u0370-\u03ff])[\u0300-\u036f]+', '\1', 'g'), nfc),
        '[\u007f-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u05be\u060c\u061b\u061f\u0964\u0965'
        '\u2000-\u206f\u20a0-\u20ff\u2190-\u245f\u2500-\u27bf\u2b00-\u2bff\u2e00-\u2e7f\u3000-\u3004'
        '\u3008-\u3020\u3030\ufe00-\ufe0f\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65'
        '\U0001f000-\U0001faff\U000e0000-\U000e007f]', ' ', 'g') else text end;
create or replace function searching.pictures(text text) returns tsvector
    immutable parallel safe language sql return array_to_tsvector(array(
        select distinct picture[1] from regexp_matches(text,
            '[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]', 'g') picture));
