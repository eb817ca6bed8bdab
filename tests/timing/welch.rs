//! Welch's t-test.

/// The mean.
#[allow(clippy::cast_precision_loss, reason = "there are thousands")]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of the mean of a sample.
#[allow(clippy::cast_precision_loss, reason = "there are thousands")]
fn variance_of_mean(values: &[f64]) -> f64 {
    let (mean, count) = (mean(values), values.len() as f64);
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (count - 1.0)
        / count
}

/// How many standard errors the means of two samples are apart.
pub fn t(one: &[f64], other: &[f64]) -> f64 {
    (mean(one) - mean(other)) / (variance_of_mean(one) + variance_of_mean(other)).sqrt()
}

#[test]
fn it_is_the_figure_of_a_worked_example() {
    let one = [
        27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4,
    ];
    let other = [
        27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4,
    ];
    assert!(
        (t(&one, &other) + 2.847).abs() < 0.01,
        "{}",
        t(&one, &other)
    );
}

#[test]
fn it_tells_samples_apart_that_differ_by_a_tenth_of_their_spread() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut sample = |shift: f64| {
        (0..5_000)
            .map(|_| random.f64() + random.f64() + shift)
            .collect::<Vec<_>>()
    };
    let (one, same, other) = (sample(0.0), sample(0.0), sample(0.1));
    assert!(t(&one, &same).abs() < 4.5);
    assert!(t(&one, &other).abs() > 4.5);
}
