//! A colour that an organization gives, and what can be read on it.

use super::error::{Checked, FieldCode, FieldError};

/// The contrast that text needs (WCAG 2.2, 1.4.3).
const TEXT_CONTRAST: f64 = 4.5;
/// The contrast that the edge of a control needs (WCAG 2.2, 1.4.11).
const EDGE_CONTRAST: f64 = 3.0;

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Reads `#rrggbb`, in digits of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// The colour as it is written: `#rrggbb` in lowercase.
    pub(crate) fn hex(self) -> String {
        let Self([red, green, blue]) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// The colour of text on this one: white where that can be read, else black. One of the two has
    /// a contrast of at least 4.5 on every colour.
    pub fn label(self) -> Self {
        if self.contrast(Self::WHITE) >= TEXT_CONTRAST {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// Whether an area of this colour shows on `behind` without a line around it.
    pub fn stands_out_from(self, behind: Self) -> bool {
        self.contrast(behind) >= EDGE_CONTRAST
    }

    /// The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// How bright the colour is, from 0 to 1 (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

/// A channel without the curve of sRGB.
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// Checks a colour, and brings it to its normal form.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_color(text: Option<&str>) -> Checked<Option<String>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let wrong = || FieldError::new("/color", FieldCode::InvalidFormat, "a colour as #3451d1");
    Color::parse(text)
        .map(|color| Some(color.hex()))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_be_read_on_every_colour() {
        for step in 0..4096 {
            // Every colour whose channels are multiples of 17.
            let channels = [step / 256, step / 16 % 16, step % 16].map(|digit| digit * 17);
            let color = Color(channels.map(|channel: u32| u8::try_from(channel).expect("a byte")));
            let contrast = color.contrast(color.label());
            assert!(contrast >= TEXT_CONTRAST, "{}: {contrast}", color.hex());
        }
    }

    #[test]
    fn a_colour_has_six_digits() {
        for (text, hex) in [("#000000", "#000000"), ("#FfA001", "#ffa001")] {
            assert_eq!(Color::parse(text).map(Color::hex).as_deref(), Some(hex));
        }
        for text in [
            "", "#", "#fff", "ffffff", "#ffffff0", "#+fffff", "#gggggg", "#ääa",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn contrasts_are_those_of_the_standard() {
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 1e-9);
        let grey = Color::parse("#767676").expect("a colour");
        assert!((grey.contrast(Color::WHITE) - 4.54).abs() < 0.01);
    }
}
