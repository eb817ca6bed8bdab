//! The colours of the button in a mail, for programs with a light and with a dark scheme.

use serde::Serialize;

use crate::base::color::Color;

/// The sheet that a button stands on, in a light and in a dark scheme, as the layout has it.
const SHEETS: [&str; 2] = ["#ffffff", "#181b20"];
/// The line around a button that would not show on its sheet. It shows on both.
const EDGE: &str = "#80868f";

/// The colours of the button.
#[derive(Serialize)]
pub(super) struct Button {
    /// In a light scheme.
    light: Colors,
    /// In a dark scheme.
    dark: Colors,
}

/// The colours of the button in one scheme.
#[derive(Serialize)]
struct Colors {
    /// The area.
    color: String,
    /// The text on it.
    label: String,
    /// The line around it.
    edge: String,
}

impl Button {
    /// The button of an organization with this colour, or ours.
    pub(super) fn of(color: Option<Color>) -> Self {
        let [light, dark] = SHEETS;
        match color {
            Some(color) => Self {
                light: Colors::of(color, light),
                dark: Colors::of(color, dark),
            },
            None => Self {
                light: Colors::ours("#3451d1", "#ffffff"),
                dark: Colors::ours("#98aafc", "#0e1330"),
            },
        }
    }
}

impl Colors {
    /// Those of a button of this colour on a sheet: with a line where it would not show.
    fn of(color: Color, sheet: &str) -> Self {
        let shows = Color::parse(sheet).is_some_and(|sheet| color.stands_out_from(sheet));
        Self {
            color: color.hex(),
            label: color.label().hex(),
            edge: if shows { color.hex() } else { EDGE.to_owned() },
        }
    }

    /// Those of our own button, which shows.
    fn ours(color: &str, label: &str) -> Self {
        Self {
            color: color.to_owned(),
            label: label.to_owned(),
            edge: color.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_shows_on_both_sheets_whatever_its_colour() {
        for text in [
            "#ffffff", "#000000", "#f7f7f8", "#181b20", "#0b7a5b", "#ffe600", "#80868f",
        ] {
            let color = Color::parse(text).expect("a colour");
            let button = Button::of(Some(color));
            for (colors, sheet) in [(button.light, SHEETS[0]), (button.dark, SHEETS[1])] {
                let sheet = Color::parse(sheet).expect("a colour");
                let edge = Color::parse(&colors.edge).expect("a colour");
                assert_eq!(colors.color, text);
                assert!(edge.stands_out_from(sheet), "{text}: {}", colors.edge);
            }
        }
    }
}
