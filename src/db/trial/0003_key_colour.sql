alter table api_key add column colour text;

update organization set note = note || ', again';

create index organization_age on organization (created_at);
