with recursive number (n) as (select 1 union all select n + 1 from number where n < 8000)
insert into organization select 'trial-' || n, null, n, n from number;
