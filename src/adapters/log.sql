-- What Darkroom adds to the library's event table. {schema}, {table} and {channel} are filled in
-- by the recorder.

create table if not exists {schema}.account_usage (
    account_id uuid primary key,
    quota bigint not null,
    used bigint not null default 0 check (used >= 0)
);

-- Beside it, what is stored of prints: no fact, and made again where it is lost. Kept by triggers.
create table if not exists {schema}.derived_usage (
    account_id uuid primary key,
    bytes bigint not null
);
create or replace view {schema}.quota_usage as
    select u.account_id, u.quota, u.used as originals, coalesce(d.bytes, 0) as derivatives,
        u.used + coalesce(d.bytes, 0) as used
    from {schema}.account_usage u left join {schema}.derived_usage d on d.account_id = u.account_id;

-- One key for each stream, wrapped by the instance's key. Deleting a row is how content is erased.
create table if not exists {schema}.stream_keys (
    stream_id uuid primary key,
    wrapped bytea not null
);

-- So that what was purged is found in a log of any length.
create index if not exists {erased} on {schema}.{table} (notification_id)
    where topic in ('image.purged', 'account.erased', 'album.deleted',
        'organization.deleted');

-- Of the bytes as they are stored, content sealed: it outlives the destruction of keys.
-- Asked for first: the statement would wait for every reader, and all writers for it.
do $body$ begin
    if not exists (select from pg_attribute
        where attrelid = '{schema}.{table}'::regclass and attname = 'hash')
    then alter table {schema}.{table} add column hash bytea; end if;
end $body$;
create or replace function {schema}.event_hash(o uuid, v bigint, p text, s bytea) returns bytea
    stable parallel safe language sql
    return sha256(uuid_send(o) || int8send(v) || textsend(p) || '\x00'::bytea || s);

-- One request inside a batch: its guards, then its events; or nothing of it.
create or replace function {schema}.append_one(
    request int, rq int[], oid uuid[], ver bigint[], tp text[], st bytea[],
    grq int[], gacc uuid[], gdelta bigint[], gquota bigint[], krq int[], kid uuid[], kwrapped bytea[]
) returns bigint[] language plpgsql as $body$
declare ids bigint[];
begin
    insert into {schema}.account_usage as u (account_id, quota)
        select gacc[i], gquota[i] from generate_subscripts(grq, 1) i
        where grq[i] = request and gquota[i] is not null
        on conflict (account_id) do update set quota = excluded.quota;
    for i in 1 .. coalesce(array_length(grq, 1), 0) loop
        if grq[i] = request and gquota[i] is null then
            update {schema}.account_usage u set used = u.used + gdelta[i]
                where u.account_id = gacc[i] and u.used + gdelta[i] >= 0;
            -- asked for behind the lock of its row: prints that came meanwhile are seen
            if not found or gdelta[i] > 0 and exists (select from {schema}.quota_usage u
                where u.account_id = gacc[i] and u.used > u.quota)
            then raise exception 'over quota' using errcode = 'DRQTA'; end if;
        end if;
    end loop;
    insert into {schema}.stream_keys (stream_id, wrapped)
        select kid[i], kwrapped[i] from generate_subscripts(krq, 1) i where krq[i] = request
        on conflict do nothing;
    with stored as (
        insert into {schema}.{table} (originator_id, originator_version, topic, state, hash)
        select t.o, t.v, t.p, t.s, {schema}.event_hash(t.o, t.v, t.p, t.s)
        from unnest(rq, oid, ver, tp, st) with ordinality as t(q, o, v, p, s, k)
        where t.q = request order by t.k returning notification_id
    ) select array_agg(notification_id order by notification_id) into ids from stored;
    return ids;
end $body$;

-- A batch of requests under one lock, one flush and one notification. The lock makes positions
-- appear in the order in which they commit, so that no reader ever passes one by.
-- Returns (request, position) for each event; (request, -1) where another writer came first;
-- (request, -2) where a quota stood against it. A refused request costs only itself.
create or replace function {schema}.append(
    requests int, rq int[], oid uuid[], ver bigint[], tp text[], st bytea[],
    grq int[], gacc uuid[], gdelta bigint[], gquota bigint[], krq int[], kid uuid[], kwrapped bytea[]
) returns table (request int, nid bigint) language plpgsql as $body$
declare ids bigint[]; owners int[] := '{{}}'; positions bigint[] := '{{}}';
begin
    perform pg_advisory_xact_lock({lock});
    notify {channel};
    if array_length(grq, 1) is null then
        begin
            insert into {schema}.stream_keys (stream_id, wrapped)
                select * from unnest(kid, kwrapped) on conflict do nothing;
            with stored as (
                insert into {schema}.{table}
                    (originator_id, originator_version, topic, state, hash)
                select t.o, t.v, t.p, t.s, {schema}.event_hash(t.o, t.v, t.p, t.s)
                from unnest(oid, ver, tp, st) with ordinality as t(o, v, p, s, k)
                order by t.k returning notification_id
            ) select array_agg(notification_id order by notification_id) into ids from stored;
            -- returned after the block: rows queued inside a block that fails would stay
            owners := rq; positions := ids;
        exception when unique_violation then ids := null;
        end;
    end if;
    if ids is null then
        for r in 0 .. requests - 1 loop
            begin
                ids := {schema}.append_one(
                    r, rq, oid, ver, tp, st, grq, gacc, gdelta, gquota, krq, kid, kwrapped);
            exception
                when unique_violation then ids := array[-1];
                when sqlstate 'DRQTA' then ids := array[-2];
            end;
            owners := owners || array_fill(r, array[array_length(ids, 1)]);
            positions := positions || ids;
        end loop;
    end if;
    return query select * from unnest(owners, positions);
end $body$;
