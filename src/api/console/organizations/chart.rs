//! The figures of the last 90 days: as a chart, and summed up.

use std::fmt::Write;

use minijinja::{Value, context};

use crate::invitation::summary::{DayCounts, Summary};

/// Width of a day in the chart.
const DAY: usize = 11;
/// Width of a bar.
const BAR: usize = 4;
/// Height of the chart.
const HEIGHT: u32 = 92;
/// Height of the smallest bar that can be seen.
const LEAST: u32 = 2;

/// The figures as the page shows them.
pub(super) fn figures(summary: &Summary) -> Value {
    let sum = |count: fn(&DayCounts) -> u32| summary.days.iter().map(count).sum::<u32>();
    let (invited, accepted) = (sum(|day| day.invited), sum(|day| day.accepted));
    let busy: Vec<_> = summary
        .days
        .iter()
        .rev()
        .filter(|day| day.invited + day.accepted > 0)
        .map(|day| context! { day => day.day, invited => day.invited, accepted => day.accepted })
        .collect();
    context! {
        statuses => summary.statuses,
        is_exact => summary.is_exact,
        median_ms => summary.median_acceptance_ms,
        percent => (100 * summary.accepted_of_days).checked_div(invited),
        invited,
        accepted,
        bars => Value::from_safe_string(bars(&summary.days)),
        width => DAY * summary.days.len(),
        height => HEIGHT,
        first => summary.days.first().map(|day| &day.day),
        last => summary.days.last().map(|day| &day.day),
        busy,
    }
}

/// The bars of the days: beside each other who was invited and who accepted.
fn bars(days: &[DayCounts]) -> String {
    let most = days.iter().map(|day| day.invited.max(day.accepted)).max();
    let most = most.unwrap_or_default();
    let mut bars = String::new();
    for (place, day) in days.iter().enumerate() {
        for (class, x, count) in [
            ("invited", DAY * place + 1, day.invited),
            ("accepted", DAY * place + BAR + 2, day.accepted),
        ] {
            let height = height(count, most);
            if height > 0 {
                // Writing to a text cannot fail.
                let _ = write!(
                    bars,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{BAR}\" height=\"{height}\"/>",
                    HEIGHT - height
                );
            }
        }
    }
    bars
}

/// The height of a bar for `count`, where the highest one is for `most`.
fn height(count: u32, most: u32) -> u32 {
    if count == 0 {
        return 0;
    }
    (u64::from(count) * u64::from(HEIGHT))
        .checked_div(u64::from(most))
        .and_then(|height| u32::try_from(height).ok())
        .unwrap_or_default()
        .max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_chart_and_the_lowest_can_be_seen() {
        assert_eq!(height(0, 0), 0);
        assert_eq!(height(7, 7), HEIGHT);
        assert_eq!(height(1, u32::MAX), LEAST);
        assert_eq!(height(u32::MAX, u32::MAX), HEIGHT);
    }
}
