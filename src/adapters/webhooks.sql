-- What the log does not hold of webhooks: their secrets, how far each is, what became of deliveries.
create schema if not exists webhooks;
create table if not exists webhooks.endpoints (
    id uuid primary key,
    account_id uuid not null,
    secret bytea not null,  -- sealed
    former bytea,  -- sealed; it signs too for a while after a rotation
    former_until timestamptz,
    rotation uuid,  -- the request that made the secret
    position bigint not null,  -- everything up to here is delivered, given up, or not wanted
    made_at timestamptz not null default now(),
    disabled boolean not null default false,
    slow boolean not null default false,  -- the last attempt failed, or took long
    attempts int not null default 0,  -- failed, of the event that is next
    failing_since timestamptz,
    abandoned int not null default 0,  -- events given up in a row
    next_at timestamptz not null default now(),
    lease uuid,
    leased_until timestamptz not null default '-infinity',
    tried bigint not null default 0  -- rows that deliveries has had
);
create index if not exists endpoints_account on webhooks.endpoints (account_id);
create index if not exists endpoints_due on webhooks.endpoints (next_at) where not disabled;
create table if not exists webhooks.deliveries (
    webhook_id uuid not null,
    position bigint not null,
    number bigint not null,
    type text not null,
    state text not null,
    attempts int not null,
    status int,
    reason text not null,
    answer text not null,
    milliseconds int not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (webhook_id, position)
);
create index if not exists deliveries_dead on webhooks.deliveries (webhook_id) where state = 'dead';
create unique index if not exists deliveries_number on webhooks.deliveries (webhook_id, number);
