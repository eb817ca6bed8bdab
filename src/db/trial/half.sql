update organization set settings = null;

insert into nowhere values (1);
