-- Secrets are not facts: they live apart from the log and can be forgotten.
create schema if not exists secrets;
create table if not exists secrets.passwords (
    account_id uuid primary key,
    hash text not null
);
create table if not exists secrets.refresh_tokens (
    hash bytea primary key,  -- SHA-256 of a 256-bit random token
    family uuid not null,
    account_id uuid not null,
    expires_at timestamptz not null,
    used boolean not null default false
);
create index if not exists refresh_tokens_family on secrets.refresh_tokens (family);
create index if not exists refresh_tokens_account on secrets.refresh_tokens (account_id);
create table if not exists secrets.sessions (
    id uuid primary key,  -- the family of its refresh tokens
    account_id uuid not null,
    opened_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    client text not null,
    agent text not null
);
create index if not exists sessions_account on secrets.sessions (account_id);
create table if not exists secrets.api_keys (
    id uuid primary key,
    account_id uuid not null,
    hash bytea not null unique,  -- SHA-256 of a 256-bit random token
    scopes text[] not null,
    expires_at timestamptz,
    last_used_at timestamptz
);
create index if not exists api_keys_account on secrets.api_keys (account_id);
create table if not exists secrets.token_keys (
    generation int primary key,  -- from 2: the first needs no row
    made_at timestamptz not null default now(),
    alone boolean not null  -- what older keys signed is worth nothing
);
create table if not exists secrets.url_keys (
    number int primary key,  -- from 2: the first needs no row
    wrapped bytea not null,  -- by the instance's key
    made_at timestamptz not null default now(),
    older_until timestamptz not null  -- so long what older keys signed is believed
);
create table if not exists secrets.share_passwords (
    share_id uuid primary key,
    subject_id uuid not null,  -- the image or the album that the link lends
    hash text not null
);
create index if not exists share_passwords_subject on secrets.share_passwords (subject_id);
create table if not exists secrets.letters (
    id uuid primary key,
    occasion text not null,
    address bytea,  -- sealed; null once it was sent
    facts bytea,  -- likewise
    expires_at timestamptz not null,
    not_before timestamptz not null default '-infinity',
    attempts int not null default 0
);
alter table secrets.letters add column if not exists facts bytea;
create index if not exists letters_due on secrets.letters (not_before) where address is not null;
create table if not exists secrets.mail_tokens (
    account_id uuid not null,
    occasion text not null,
    hash bytea not null unique,  -- SHA-256 of a 256-bit random token
    expires_at timestamptz not null,
    primary key (account_id, occasion)
);
create table if not exists secrets.devices (
    account_id uuid not null,
    hash bytea not null,  -- of address and program, under the instance's key
    seen_at timestamptz not null default now(),
    primary key (account_id, hash)
);
create table if not exists secrets.second_factors (
    account_id uuid primary key,
    secret bytea not null,  -- sealed
    confirmed boolean not null default false,
    last_step bigint not null default 0
);
create table if not exists secrets.recovery_codes (
    account_id uuid not null,
    hash bytea not null,
    primary key (account_id, hash)
);
create table if not exists secrets.bars (
    account_id uuid primary key  -- suspended: nothing that it issued opens anything
);
create table if not exists secrets.upload_tokens (
    id uuid primary key,
    account_id uuid not null,
    hash bytea not null unique,  -- SHA-256 of a 256-bit random token
    remaining int not null,
    max_bytes bigint,
    format text,
    expires_at timestamptz not null
);
alter table secrets.upload_tokens add column if not exists album_id uuid;
create index if not exists upload_tokens_account on secrets.upload_tokens (account_id);
create table if not exists secrets.guest_uploads (
    image_id uuid primary key,
    token_id uuid not null,
    account_id uuid not null
);
