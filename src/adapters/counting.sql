-- How often images were seen. Operational: no event says it, so the log cannot make it again.
create schema if not exists counting;
-- The columns that the next tables share; it has no rows.
create table if not exists counting.counts (
    views bigint not null,
    downloads bigint not null,
    egress_bytes bigint not null,
    originals bigint not null,
    variants bigint not null,
    shared bigint not null,
    robots bigint not null,
    repeats bigint not null,
    transforms bigint not null
);
create table if not exists counting.images (
    image_id uuid primary key,
    owner_id uuid not null,
    like counting.counts
);
create index if not exists images_by_views on counting.images (views desc, image_id desc);
create index if not exists images_of_owner_by_views
    on counting.images (owner_id, views desc, image_id desc);
create table if not exists counting.days (
    image_id uuid not null,
    day date not null,
    like counting.counts,
    primary key (image_id, day)
);
-- Views of today, of a week and of a month, for lists of what is popular; made anew once a day.
create table if not exists counting.recent (
    period text not null,
    image_id uuid not null,
    owner_id uuid not null,
    views bigint not null,
    primary key (image_id, period)
);
create index if not exists recent_by_views on counting.recent (period, views desc, image_id desc);
create index if not exists recent_of_owner_by_views
    on counting.recent (period, owner_id, views desc, image_id desc);
create table if not exists counting.recounted (
    single boolean primary key default true check (single),
    day date not null
);
-- By share link; `subject_id` is the image or the album that it lends.
create table if not exists counting.links (
    share_id uuid primary key,
    subject_id uuid not null,
    views bigint not null,
    last_viewed_at timestamptz not null
);
create index if not exists links_subject on counting.links (subject_id);
create table if not exists counting.hours (
    owner_id uuid not null,
    hour timestamptz not null,
    like counting.counts,
    primary key (owner_id, hour)
);
create table if not exists counting.months (
    owner_id uuid not null,
    month date not null,  -- its first day
    like counting.counts,
    primary key (owner_id, month)
);
create index if not exists months_by_egress on counting.months (month, egress_bytes);
-- Of an installation that did not sum up months before.
insert into counting.months (owner_id, month, views, downloads, egress_bytes, originals, variants,
        shared, robots, repeats, transforms)
    select owner_id, date_trunc('month', hour at time zone 'UTC')::date, sum(views), sum(downloads),
        sum(egress_bytes), sum(originals), sum(variants), sum(shared), sum(robots), sum(repeats),
        sum(transforms)
    from counting.hours where not exists (select from counting.months) group by 1, 2;
-- Who was seen in this hour and the last: hashes that nobody can undo once the day's salt is gone.
-- No index by time: every view would pay for what saves a scan an hour.
do $$ begin  -- Of an installation whose hashes were longer: who comes again within the hour is new.
    if exists (select from information_schema.columns where table_schema = 'counting'
            and table_name = 'seen' and column_name = 'hour') then
        drop table counting.seen;
    end if;
end $$;
create table if not exists counting.seen (
    viewer bigint primary key,
    look integer not null,  -- of what in its batch: only what was inserted is returned
    at timestamptz not null
);
create table if not exists counting.salts (day date primary key, salt bytea not null);
-- The last batch of each process, so that one sent twice counts once.
create table if not exists counting.writers (
    id uuid primary key,
    last bigint not null,
    at timestamptz not null
);
