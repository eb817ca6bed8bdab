create table organization_new (
  id         text    not null primary key,
  settings   text,
  created_at integer not null,
  updated_at integer not null,
  note       text    not null
) strict, without rowid;

insert into organization_new select id, settings, created_at, updated_at, 'from ' || id from organization;

drop table organization;

alter table organization_new rename to organization;
