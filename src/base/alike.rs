//! Names that somebody may have meant.

/// How alike a name must be to be proposed, as clap has it.
const ALIKE: f64 = 0.7;
/// How alike a part of a path must be: more, since another path does something else. By this
/// `invite` is `invitations`, and `decline` is not `explain`.
const ALIKE_IN_PATHS: f64 = 0.855;
/// The longest name that is compared, in bytes: nobody mistypes a longer one, and comparing takes
/// its time.
const MAX_NAME: usize = 64;

/// The one of `known` that is most like `name`, if any is. Case, `_` and `-` make no difference.
pub(crate) fn alike<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > MAX_NAME {
        return None;
    }
    let name = plain(name);
    let rated = known
        .into_iter()
        .map(|known| (strsim::jaro(&name, &plain(known)), known));
    rated
        .filter(|(rating, _)| *rating > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// Whether the part `name` of a path is so like `known` that the path of it may be proposed.
/// Beginnings count most; case, `_` and `-` make no difference.
pub(crate) fn is_alike_in_paths(name: &str, known: &str) -> bool {
    let likeness = || strsim::jaro_winkler(&plain(name), &plain(known));
    name.len() <= MAX_NAME && likeness() > ALIKE_IN_PATHS
}

/// The one of `known` that was meant by `name`, if that is surely a slip: two letters at most are
/// wrong, missing, too many or turned round.
pub(crate) fn slip<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > MAX_NAME {
        return None;
    }
    let rated = known
        .into_iter()
        .map(|known| (strsim::osa_distance(name, known), known));
    rated
        .filter(|(letters, known)| *letters <= 2 && known.len() > 4)
        .min_by_key(|(letters, _)| *letters)
        .map(|(_, known)| known)
}

/// What may stand in place of `name`, which is none of `known`: the one that was meant, or all that
/// there are; none: there are none.
pub(crate) fn instead(name: &str, known: &[&str]) -> Option<String> {
    match alike(name, known.iter().copied()) {
        Some(meant) => Some(format!("did you mean {meant}?")),
        None if known.is_empty() => None,
        None => Some(format!("there are {}", known.join(", "))),
    }
}

/// `name` without what differs between ways to write names.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_is_found_however_it_is_written_and_no_other_one() {
        let known = ["email", "role", "expiresIn", "expiresAt", "redirectUrl"];
        for (name, meant) in [
            ("expires_in", Some("expiresIn")),
            ("EXPIRES-AT", Some("expiresAt")),
            ("redirect_url", Some("redirectUrl")),
            ("rol", Some("role")),
            ("emial", Some("email")),
            ("xyzzy", None),
            ("", None),
        ] {
            assert_eq!(alike(name, known), meant, "{name}");
        }
        assert_eq!(
            alike(&"role".repeat(17), ["role".repeat(17).as_str()]),
            None
        );
    }
}
