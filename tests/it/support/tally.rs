//! The counts that a file keeps, against its rows.

use std::path::Path;

/// Every count, with what a look at all rows comes to. By number, as `schema.sql` has them.
const COUNTS: &str = "
with found (id, n) as (
  select iif(state = 0 and lapse is 1, 4, state), count(*) from invitation group by 1
  union all
  select 10 + 4 * kind + case when lease is not null then 2 when lane is not null then 1
                              when attempts = 0 then 0 else 3 end, count(*)
  from mail group by 1
  union all
  select 29 + coalesce(lane, 3), count(*) from webhook_delivery where state = 0 group by 1
)
select what || ' ' || kind || ' ' || state, count, coalesce(n, 0)
from tally left join found using (id)";

/// Checks that the counts in the file at `database` are right. Returns how many rows they count.
pub fn check(database: &Path) -> i64 {
    let conn = rusqlite::Connection::open(database).expect("the file opens");
    let mut statement = conn.prepare(COUNTS).expect("good SQL");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let rows = statement.query_map([], row).expect("it runs");
    let rows: Vec<(String, i64, i64)> = rows.collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), 24);
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(_, kept, there)| kept != there)
        .collect();
    assert!(
        wrong.is_empty(),
        "what is counted, as what, and what there is: {wrong:?}"
    );
    rows.iter().map(|(_, kept, _)| kept).sum()
}
