//! A list of people as it is pasted: plain addresses, or a table with separators.

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::super::batch::MOST_ROWS;
use super::super::cell::{marked, unmarked};
use super::super::invite::address_in;
use crate::base::error::{Error, Result};

/// What separates the cells of a table.
const SEPARATORS: [char; 3] = [';', '\t', ','];
/// What the column of addresses is called, in lowercase and without what is no letter: the surest
/// name first, since an address may be a street, too.
const EMAIL: &[&str] = &[
    "email",
    "emails",
    "emailaddress",
    "emailaddresses",
    "mail",
    "mailaddress",
    "useremail",
    "emailadresse",
    "correo",
    "courriel",
    "address",
    "adresse",
];
/// What the column of roles is called.
const ROLE: &[&str] = &["role", "roles", "userrole", "rolle", "permission"];
/// What the column of names is called.
const NAME: &[&str] = &["name", "fullname", "displayname", "username", "person"];

/// A list, read.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Its people.
    pub rows: Vec<Row>,
    /// Its columns that nothing was made of.
    pub unused: Vec<String>,
}

/// One person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line of the list.
    pub line: u64,
    /// The address as it was written.
    pub email: String,
    /// The role, if the list says one.
    pub role: Option<String>,
    /// The name, if the list says one.
    pub name: Option<String>,
}

/// Where in a record is what.
#[derive(Clone, Copy)]
struct Columns {
    /// The address.
    email: usize,
    /// The role.
    role: Option<usize>,
    /// The name.
    name: Option<usize>,
}

impl Table {
    /// Reads `text`, up to one row more than an import takes.
    ///
    /// # Errors
    /// Why it is no table, in words for a person.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        // A browser sends every line break as two characters, of which the reader counts none.
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut table = Self::default();
        let mut columns = None;
        let mut is_first = true;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator(&text))
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| format!("not a table: {error}"))?;
            let line = record.position().map_or(0, |place| line_at(&text, place));
            let has_address = record.iter().any(|cell| cell.contains('@'));
            if is_first && !has_address && !record.is_empty() {
                columns = Some(table.header(&record)?);
            } else if let Some(columns) = columns {
                table.rows.extend(in_columns(&record, columns, line));
            } else {
                table.rows.extend(without_header(&record, line));
            }
            is_first = false;
            if table.rows.len() > MOST_ROWS {
                break;
            }
        }
        Ok(table)
    }

    /// Reads the first line of a table, which names its columns.
    fn header(&mut self, record: &StringRecord) -> std::result::Result<Columns, String> {
        let place = |names: &[&str]| {
            let cells: Vec<_> = record.iter().map(plain).collect();
            let find = |name: &&str| cells.iter().position(|cell| cell == name);
            names.iter().find_map(find)
        };
        let email = place(EMAIL).ok_or_else(|| {
            "the first line has neither an address nor a column that is called email".to_owned()
        })?;
        let (role, name) = (place(ROLE), place(NAME));
        let is_used = |place| place == email || Some(place) == role || Some(place) == name;
        let cells = record.iter().enumerate();
        self.unused = cells
            .filter(|(place, cell)| !is_used(*place) && !cell.trim().is_empty())
            .map(|(_, cell)| cell.trim().to_owned())
            .collect();
        Ok(Columns { email, role, name })
    }
}

/// The line of the record at `place`, which is where the empty lines before it begin.
fn line_at(text: &str, place: &csv::Position) -> u64 {
    let start = usize::try_from(place.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| **byte == b'\n').count();
    place.line() + u64::try_from(empty).unwrap_or_default()
}

/// What a column is called, in lowercase and without what is no letter.
fn plain(cell: &str) -> String {
    let letters = cell.chars().filter(|c| c.is_alphabetic());
    letters.flat_map(char::to_lowercase).collect()
}

/// The separator of the table that `text` is: the one that its first line has most of.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let count = |separator: &char| first.unwrap_or_default().matches(*separator).count();
    let best = SEPARATORS.into_iter().max_by_key(count).unwrap_or(',');
    u8::try_from(best).unwrap_or(b',')
}

/// A cell without the space around it, if anything is in it.
fn filled(cell: &str) -> Option<String> {
    Some(unmarked(cell.trim())).filter(|cell| !cell.is_empty())
}

/// The address in a cell, as `ada@example.com` or `Ada <ada@example.com>`.
fn address(cell: &str) -> String {
    let cell = unmarked(cell.trim());
    address_in(&cell).unwrap_or(&cell).trim().to_owned()
}

/// The person of a record of a table with named columns; none: it is empty.
fn in_columns(record: &StringRecord, columns: Columns, line: u64) -> Option<Row> {
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return None;
    }
    let cell = |place: Option<usize>| filled(record.get(place?)?);
    Some(Row {
        line,
        email: address(record.get(columns.email).unwrap_or_default()),
        role: cell(columns.role),
        name: cell(columns.name),
    })
}

/// The people of a record whose columns have no names: each cell with an address is one. Behind a
/// single address its role may stand.
fn without_header(record: &StringRecord, line: u64) -> Vec<Row> {
    let row = |cell: &str, role| Row {
        line,
        email: address(cell),
        role,
        name: None,
    };
    let cells = || record.iter().map(str::trim).filter(|cell| !cell.is_empty());
    let with_address: Vec<_> = cells().filter(|cell| cell.contains('@')).collect();
    match with_address[..] {
        [only] => {
            let role = cells()
                .skip_while(|cell| *cell != only)
                .nth(1)
                .and_then(filled);
            vec![row(only, role)]
        }
        // What has no address is shown as what it is.
        [] => cells().take(1).map(|cell| row(cell, None)).collect(),
        _ => with_address.iter().map(|cell| row(cell, None)).collect(),
    }
}

/// Rows as a table that [`Table::parse`] reads.
///
/// # Errors
/// None that can happen: they go to memory.
pub(super) fn write(rows: &[&Row]) -> Result<String> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let head = ["email", "role", "name"];
    writer.write_record(head).map_err(Error::internal)?;
    for row in rows {
        let (role, name) = (row.role.as_deref(), row.name.as_deref());
        let record = [Some(&*row.email), role, name];
        let record = record.map(|cell| marked(cell.unwrap_or_default()));
        writer.write_record(record).map_err(Error::internal)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of `text`: line, address, role and name.
    fn rows(text: &str) -> Vec<(u64, String, Option<String>, Option<String>)> {
        let table = Table::parse(text).expect("a list");
        let rows = table.rows.into_iter();
        rows.map(|row| (row.line, row.email, row.role, row.name))
            .collect()
    }

    /// A row that is expected.
    fn row(
        line: u64,
        email: &str,
        role: Option<&str>,
        name: Option<&str>,
    ) -> (u64, String, Option<String>, Option<String>) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (line, email.to_owned(), owned(role), owned(name))
    }

    #[test]
    fn plain_addresses_are_read_by_line_and_by_separator() {
        let expected = [row(1, "a@x.org", None, None), row(1, "b@x.org", None, None)];
        for text in ["a@x.org,b@x.org", "a@x.org; b@x.org", "a@x.org\tb@x.org\n"] {
            assert_eq!(rows(text), expected, "{text}");
        }
        assert_eq!(
            rows("a@x.org\r\n\r\nAda L <b@x.org>\r\n"),
            [row(1, "a@x.org", None, None), row(3, "b@x.org", None, None)]
        );
    }

    #[test]
    fn a_table_is_read_with_a_mark_quotes_any_separator_and_any_order() {
        for text in [
            "\u{feff}E-Mail;Rolle;Name\na@x.org;admin;\"Lovelace; Ada\"\n",
            "name,EMAIL ADDRESS,Role\n\"Lovelace; Ada\",a@x.org,admin\n",
            "Role\tFull name\tmail\nadmin\tLovelace; Ada\ta@x.org",
        ] {
            let expected = [row(2, "a@x.org", Some("admin"), Some("Lovelace; Ada"))];
            assert_eq!(rows(text), expected, "{text}");
        }
        assert_eq!(
            rows("a@x.org,admin\nb@x.org,\nnobody\n"),
            [
                row(1, "a@x.org", Some("admin"), None),
                row(2, "b@x.org", None, None),
                row(3, "nobody", None, None)
            ]
        );
    }

    #[test]
    fn a_column_of_streets_is_not_taken_for_the_one_of_addresses() {
        for text in [
            "Name,Address,Email\nAda,1 Main Street,a@x.org\n",
            "Adresse;Name;Courriel\n1 rue X;Ada;a@x.org\n",
        ] {
            assert_eq!(rows(text), [row(2, "a@x.org", None, Some("Ada"))], "{text}");
        }
        let only = rows("Name,Address\nAda,a@x.org\n");
        assert_eq!(only, [row(2, "a@x.org", None, Some("Ada"))]);
    }

    #[test]
    fn columns_that_are_not_used_are_named_and_a_table_without_addresses_is_refused() {
        let table = Table::parse("email,department,role\na@x.org,R&D,admin\n").expect("a list");
        assert_eq!(table.unused, ["department"]);
        let why = Table::parse("person,team\nAda,Red\n").expect_err("no addresses");
        assert!(why.contains("called email"), "{why}");
        assert!(Table::parse("").expect("nothing").rows.is_empty());
    }

    #[test]
    fn lines_are_those_of_the_file_also_behind_a_cell_with_line_breaks() {
        assert_eq!(
            rows("name,email\n\"Ada\nLovelace\",a@x.org\nGrace,b@x.org\n"),
            [
                row(2, "a@x.org", None, Some("Ada\nLovelace")),
                row(4, "b@x.org", None, Some("Grace"))
            ]
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "email,role,name\na@x.org,,\"=1+1, \"\"x\"\"\"\nb@x.org,admin,\n";
        let table = Table::parse(text).expect("a list");
        let again = write(&table.rows.iter().collect::<Vec<_>>()).expect("a table");
        assert_eq!(Table::parse(&again).expect("a list").rows, table.rows);
    }
}
