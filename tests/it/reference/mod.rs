//! The reference for developers, and the switches of the pages.

use crate::support::process::run;

#[test]
fn a_part_is_switched_by_on_or_off_and_by_nothing_else() {
    for flag in ["--console", "--docs"] {
        for word in ["yes", "false", "Off", ""] {
            let output = run(&["serve", flag, word]);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{flag} {word}: {error}");
            assert!(error.contains(flag), "{flag} {word}: {error}");
            assert!(error.contains("on, off"), "{flag} {word}: {error}");
        }
    }
}
