//! `invited config show`: each setting with its value, and where that comes from.

use serde::Serialize;

use crate::base::failure::Failure;
use crate::cli::format::{OutputArgs, table};
use crate::config::sources::{Setting, Source, Sources, variable};

/// A setting as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    /// The name of its flag, without dashes, and its key in the file; null: it has neither.
    key: Option<&'a str>,
    /// Its variable.
    variable: &'a str,
    /// Its value; null: none is set.
    value: Option<&'a str>,
    /// What holds where none is set, in words; null: nothing does.
    default: Option<&'a str>,
    /// `flag`, `variable`, `file` or `default`.
    source: &'static str,
    /// The variable, or file and line; null: it is neither.
    place: Option<String>,
}

/// Runs the command.
pub(super) fn run(output: OutputArgs, sources: &Sources) -> Result<(), Failure> {
    let mut shown: Vec<_> = sources.settings.iter().map(of).collect();
    if variable("INVITED_SECRET").is_some() {
        shown.push(secret());
    }
    output.print(|| text(&shown), &shown)
}

/// A setting.
fn of(setting: &Setting) -> Shown<'_> {
    let source = match setting.source {
        Source::Flag => "flag",
        Source::Variable(_) => "variable",
        Source::File(..) => "file",
        Source::Default => "default",
    };
    let has_place = matches!(setting.source, Source::Variable(_) | Source::File(..));
    Shown {
        key: Some(&setting.key),
        variable: &setting.variable,
        value: setting.value.as_deref(),
        default: setting.default.as_deref(),
        source,
        place: has_place.then(|| setting.source.to_string()),
    }
}

/// The secret, which has no flag.
fn secret() -> Shown<'static> {
    Shown {
        key: None,
        variable: "INVITED_SECRET",
        value: Some("***"),
        default: None,
        source: "variable",
        place: Some("INVITED_SECRET".to_owned()),
    }
}

/// The settings for people.
fn text(shown: &[Shown<'_>]) -> String {
    let header = ["SETTING", "VALUE", "FROM"].map(str::to_owned);
    let rows = shown.iter().map(|one| {
        [
            one.key.unwrap_or("(secret)").to_owned(),
            match (one.value, one.default) {
                (Some(value), _) => value.escape_debug().to_string(),
                (None, Some(default)) => format!("({default})"),
                (None, None) => "-".to_owned(),
            },
            one.place.clone().unwrap_or_else(|| one.source.to_owned()),
        ]
    });
    table(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}
