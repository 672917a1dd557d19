-- Read model `reports`. Columns are the fields of Case.
create table cases (
    id uuid primary key,
    version bigint not null,
    image_id uuid not null,
    reason text not null,
    details text not null,
    email text,
    reporter_id uuid not null,
    filed_at timestamptz not null,
    resolution text,
    resolved_by uuid,
    resolved_at timestamptz,
    verdict text not null
);
create index cases_oldest on cases (filed_at, id);
create index cases_of_image on cases (image_id);
create index cases_of_reporter on cases (reporter_id);
