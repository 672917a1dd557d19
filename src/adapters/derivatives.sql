-- What is stored of each image beside its original, so that it counts to its owner's quota. It is
-- noted where something is made; triggers keep the sums, whoever changes what.
create schema if not exists derivatives;
create table if not exists derivatives.weights (
    image_id uuid primary key,
    owner_id uuid not null,
    prints jsonb not null default '{}',  -- bytes, by the end of its key in the object store
    printed bigint not null default 0,  -- their sum
    transformed bigint not null default 0  -- the sum of its rows in transforms.made
);

-- Images that have something made of them once their owner has so many bytes of room.
create table if not exists derivatives.waiting (
    image_id uuid primary key,
    owner_id uuid not null,
    bytes bigint not null
);
create index if not exists waiting_of_owner on derivatives.waiting (owner_id, bytes, image_id);

create or replace function derivatives.sum_up() returns trigger language plpgsql as $body$
declare delta bigint := 0; owner uuid;
begin
    if tg_op <> 'INSERT' then delta := - old.printed - old.transformed; owner := old.owner_id; end if;
    if tg_op <> 'DELETE' then
        delta := delta + new.printed + new.transformed; owner := new.owner_id;
    end if;
    if delta <> 0 then
        insert into log.derived_usage as u (account_id, bytes) values (owner, delta)
            on conflict (account_id) do update set bytes = u.bytes + excluded.bytes;
    end if;
    if delta < 0 then  -- whoever has nothing is not named
        delete from log.derived_usage where account_id = owner and bytes = 0;
    end if;
    return null;
end $body$;
create or replace trigger sum_up after insert or update or delete on derivatives.weights
    for each row execute function derivatives.sum_up();

-- Bytes that a quota leaves. Until the transaction ends nobody else takes of it: an upload waits for
-- this row, so nobody may hold it for longer than one statement.
create or replace function derivatives.room(owner uuid) returns bigint language plpgsql as $body$
declare room bigint;
begin
    select u.quota - u.used into room from log.account_usage u where u.account_id = owner for update;
    if not found then return 9223372036854775807; end if;
    return room - coalesce((select d.bytes from log.derived_usage d where d.account_id = owner), 0);
end $body$;

-- Counts those of an image's prints that there is room for, in the order given, and names them.
-- None of an image that is being purged: its key is waited for, so that nothing comes behind.
create or replace function derivatives.keep(
    image uuid, owner uuid, names text[], sizes bigint[]
) returns text[] language plpgsql as $body$
declare room bigint; there jsonb; kept jsonb := '{}'; delta bigint;
begin
    perform from log.stream_keys where stream_id = image for key share;
    if not found then return '{}'; end if;
    room := derivatives.room(owner);
    there := coalesce((select w.prints from derivatives.weights w where w.image_id = image), '{}');
    for i in 1 .. coalesce(array_length(names, 1), 0) loop
        delta := sizes[i] - coalesce((there ->> names[i])::bigint, 0);
        if delta <= greatest(room, 0) then
            kept := kept || jsonb_build_object(names[i], sizes[i]);
            room := room - delta;
        end if;
    end loop;
    insert into derivatives.weights as w (image_id, owner_id, prints, printed)
        select image, owner, kept, derivatives.total(kept) where kept <> '{}'
        on conflict (image_id) do update set prints = w.prints || excluded.prints,
            printed = derivatives.total(w.prints || excluded.prints);
    return array(select jsonb_object_keys(kept));
end $body$;
create or replace function derivatives.total(prints jsonb) returns bigint immutable language sql
    return (select coalesce(sum(value::bigint), 0) from jsonb_each_text(prints));

create or replace function derivatives.weigh_transform() returns trigger language plpgsql as $body$
declare delta bigint := 0; image uuid;
begin
    if tg_op <> 'INSERT' then delta := - coalesce(old.size, 0); image := old.image_id; end if;
    if tg_op <> 'DELETE' then delta := delta + coalesce(new.size, 0); image := new.image_id; end if;
    if delta = 0 then return null; end if;
    update derivatives.weights set transformed = transformed + delta where image_id = image;
    if not found and delta > 0 then
        insert into derivatives.weights as w (image_id, owner_id, transformed)
            select id, owner_id, delta from gallery.images where id = image
            on conflict (image_id) do update set transformed = w.transformed + excluded.transformed;
    end if;
    return null;
end $body$;
create or replace trigger weigh after insert or update of size or delete on transforms.made
    for each row execute function derivatives.weigh_transform();
