//! How long a delivery waits after it failed.

/// One step of a plan: as long as no more than so many tries were made, the next one comes after so
/// many seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay {
    /// Up to which try.
    pub tries: u32,
    /// How long after it the next one comes.
    pub seconds: i64,
}

/// How many milliseconds after the failure of try number `tries` the next one comes, by `plan`;
/// none: it is given up. It is spread by up to a fifth to each side, by a random `spread`, so that
/// what failed together does not come back together.
pub(crate) fn delay_ms(plan: &[Delay], tries: u32, spread: u32) -> Option<i64> {
    let step = plan.iter().find(|step| tries <= step.tries)?;
    let per_mille = 800 + i64::from(spread) * 400 / i64::from(u32::MAX);
    Some(step.seconds * per_mille)
}

/// SQL for how many milliseconds a row that was tried `attempts` times waits at most by `plan`,
/// counted from the time of its last try: a step, its spread, and a little for clocks that are put
/// right. A row that was never tried waits for `untried_seconds` at most.
pub(crate) fn longest_wait_sql(plan: &[Delay], untried_seconds: i64) -> String {
    /// Milliseconds for each second of a step.
    const PER_SECOND: i64 = 1_250;
    let longest = plan.last().map_or(0, |step| step.seconds * PER_SECOND);
    let steps: String = plan
        .iter()
        .map(|step| {
            format!(
                " when attempts <= {} then {}",
                step.tries,
                step.seconds * PER_SECOND
            )
        })
        .collect();
    let untried = untried_seconds * 1_000;
    format!("case when attempts = 0 then {untried}{steps} else {longest} end")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::random_spread;

    #[test]
    fn delays_follow_the_plan_within_a_fifth_and_end_with_it() {
        let plan = [
            Delay {
                tries: 1,
                seconds: 5,
            },
            Delay {
                tries: 3,
                seconds: 60,
            },
        ];
        for _ in 0..1_000 {
            let within = |tries, seconds: i64| {
                delay_ms(&plan, tries, random_spread())
                    .is_some_and(|delay| (seconds * 800..=seconds * 1_200).contains(&delay))
            };
            assert!(within(1, 5) && within(2, 60) && within(3, 60));
        }
        assert_eq!(delay_ms(&plan, 4, 0), None);
    }
}
