delete from organization where id in (select organization_id from invitation);
