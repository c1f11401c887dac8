//! Measures two sides in turn, so that whatever else the machine does meets both. A ratio is the median of the pairs' ratios:
//! the rounds of a pair meet the same machine, which between pairs may wake another core or slow down.

use std::time::{Duration, Instant};

use crate::Failure;

/// In how many parts a figure is measured that depends on where things happen to be.
pub(crate) const PARTS: usize = 5;

/// Runs the figures that were asked for and keeps their rows.
#[derive(Debug)]
pub(crate) struct Runner {
    rounds: usize,
    round: Duration,
    filter: Option<String>,
    rows: Vec<Row>,
    /// What was measured of the figures that are measured in parts.
    parts: Vec<(&'static str, Pairs)>,
}

/// What two sides took, in nanoseconds: two rounds of each.
type Pairs = Vec<(f64, f64)>;

/// A figure's name and what we promised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
}

/// What a comparison has to show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Our time is at most this many times the other side's.
    Time(f64),
    /// Our speed is at least this many times the other side's.
    #[allow(dead_code, reason = "for the drivers' figures")]
    Speed(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) ours: String,
    pub(crate) other: String,
    pub(crate) ratio: String,
    pub(crate) target: String,
    pub(crate) is_held: bool,
    /// Whether a short run may miss it.
    pub(crate) is_timed: bool,
}

impl Runner {
    pub(crate) fn new(quick: bool, filter: Option<String>) -> Self {
        let (rounds, milliseconds) = if quick { (3, 5) } else { (31, 60) };
        Self {
            rounds,
            round: Duration::from_millis(milliseconds),
            filter,
            rows: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Whether this figure was asked for: look before an expensive set-up. The measuring functions look by themselves.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter.as_str()))
    }

    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// How many rounds a figure has, for those that measure by themselves.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    /// Measures `ours` against `other`. Each does its work as often as it is told, and is told the same as the other.
    pub(crate) async fn compare(
        &mut self,
        figure: Figure,
        mut ours: impl AsyncFnMut(u64) -> Result<(), Failure>,
        mut other: impl AsyncFnMut(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.wants(figure.name) {
            println!("bench: {}", figure.name);
            let pairs = pairs(self.rounds, self.round, &mut ours, &mut other).await?;
            self.rows.push(compared(figure, &pairs));
        }
        Ok(())
    }

    /// As [`compare`](Self::compare), for what depends on where connections and threads happen to be: called [`PARTS`] times,
    /// with everything made anew.
    pub(crate) async fn compare_part(
        &mut self,
        figure: Figure,
        mut ours: impl AsyncFnMut(u64) -> Result<(), Failure>,
        mut other: impl AsyncFnMut(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !self.wants(figure.name) {
            return Ok(());
        }
        let rounds = self.rounds.div_ceil(PARTS);
        let more = pairs(rounds, self.round, &mut ours, &mut other).await?;
        if let Some((_, measured)) = self.parts.iter_mut().find(|(name, _)| *name == figure.name) {
            measured.extend(more);
            let row = compared(figure, measured);
            if let Some(shown) = self.rows.iter_mut().find(|row| row.name == figure.name) {
                *shown = row;
            }
        } else {
            println!("bench: {}", figure.name);
            self.rows.push(compared(figure, &more));
            self.parts.push((figure.name, more));
        }
        Ok(())
    }

    /// Compares the medians of what was measured elsewhere, in nanoseconds.
    pub(crate) fn medians(&mut self, figure: Figure, ours: Vec<f64>, other: Vec<f64>) {
        self.rows
            .push(row(figure, median(ours), median(other), None));
    }

    /// Measures `ours` against a limit in nanoseconds.
    #[allow(dead_code, reason = "for the firewall's figures")]
    pub(crate) async fn limit(
        &mut self,
        name: &'static str,
        nanoseconds: f64,
        mut ours: impl AsyncFnMut(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !self.wants(name) {
            return Ok(());
        }
        println!("bench: {name}");
        let times = calibrate(&mut ours, self.round).await?;
        let mut rounds = Vec::new();
        for _ in 0..self.rounds {
            rounds.push(time(&mut ours, times).await?);
        }
        self.limited(name, nanoseconds, rounds);
        Ok(())
    }

    /// Notes the median of what was measured elsewhere against a limit in nanoseconds.
    pub(crate) fn limited(&mut self, name: &'static str, nanoseconds: f64, rounds: Vec<f64>) {
        let took = median(rounds);
        self.rows.push(Row {
            name,
            ours: duration(took),
            other: "-".to_owned(),
            ratio: "-".to_owned(),
            target: format!("<= {}", duration(nanoseconds)),
            is_held: took <= nanoseconds,
            is_timed: true,
        });
    }

    /// Notes something that was counted, such as allocations, against the most that is allowed.
    pub(crate) fn count(&mut self, name: &'static str, ours: u64, other: u64, most: u64) {
        if self.wants(name) {
            self.rows.push(Row {
                name,
                ours: ours.to_string(),
                other: other.to_string(),
                ratio: "-".to_owned(),
                target: format!("<= {most}"),
                is_held: ours <= most,
                is_timed: false,
            });
        }
    }
}

/// How often the work fits into one round; finding out also warms it up.
async fn calibrate(
    work: &mut impl AsyncFnMut(u64) -> Result<(), Failure>,
    round: Duration,
) -> Result<u64, Failure> {
    let mut times = 1;
    loop {
        let took = time(work, times).await? * times as f64;
        if took * 2.0 >= round.as_nanos() as f64 || times >= 1 << 40 {
            let fitting = times as f64 * round.as_nanos() as f64 / took.max(1.0);
            return Ok((fitting as u64).max(1));
        }
        times *= 2;
    }
}

/// Nanoseconds of one repetition, averaged over a round.
async fn time(
    work: &mut impl AsyncFnMut(u64) -> Result<(), Failure>,
    times: u64,
) -> Result<f64, Failure> {
    let start = Instant::now();
    work(times).await?;
    Ok(start.elapsed().as_nanos() as f64 / times as f64)
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Measures both sides this many times.
async fn pairs(
    rounds: usize,
    round: Duration,
    ours: &mut impl AsyncFnMut(u64) -> Result<(), Failure>,
    other: &mut impl AsyncFnMut(u64) -> Result<(), Failure>,
) -> Result<Pairs, Failure> {
    let times = calibrate(ours, round)
        .await?
        .min(calibrate(other, round).await?);
    let mut pairs = Vec::new();
    // Whoever comes second finds warmer caches, and a longer list of things to clean up: each pair is measured both ways.
    for _ in 0..rounds.div_ceil(2) {
        let our = time(ours, times).await?;
        let others = time(other, times).await? + time(other, times).await?;
        let our = our + time(ours, times).await?;
        pairs.push((our / 2.0, others / 2.0));
    }
    Ok(pairs)
}

fn compared(figure: Figure, pairs: &[(f64, f64)]) -> Row {
    let of = |f: fn(&(f64, f64)) -> f64| median(pairs.iter().map(f).collect());
    let slower = of(|(ours, other)| ours / other);
    row(figure, of(|pair| pair.0), of(|pair| pair.1), Some(slower))
}

/// A row; `slower` is how many times the other side's time ours is, if it is known better than by dividing.
fn row(figure: Figure, ours: f64, other: f64, slower: Option<f64>) -> Row {
    let slower = slower.unwrap_or(ours / other);
    let (ratio, target, is_held) = match figure.target {
        Target::Time(most) => (slower, format!("time <= {most}x"), slower <= most),
        Target::Speed(least) => (
            1.0 / slower,
            format!("speed >= {least}x"),
            slower * least <= 1.0,
        ),
    };
    Row {
        name: figure.name,
        ours: duration(ours),
        other: duration(other),
        ratio: times(ratio),
        target,
        is_held,
        is_timed: true,
    }
}

/// Three digits: with two, a ratio just below its target would be written like it.
fn times(ratio: f64) -> String {
    let digits = match ratio {
        r if r < 1.0 => 3,
        r if r < 10.0 => 2,
        _ => 1,
    };
    format!("{ratio:.digits$}x")
}

/// Three digits and a unit.
fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURE: Figure = Figure {
        name: "sleep",
        target: Target::Time(1.5),
    };

    async fn sleep(microseconds: u64) -> Result<(), Failure> {
        std::thread::sleep(Duration::from_micros(microseconds));
        Ok(())
    }

    #[tokio::test]
    async fn a_slower_side_is_slower() {
        let mut runner = Runner::new(true, None);
        runner
            .compare(
                FIGURE,
                async |n| sleep(n * 1000).await,
                async |n| sleep(n * 100).await,
            )
            .await
            .unwrap();
        let row = runner.into_rows().remove(0);
        assert!(!row.is_held, "{row:?}");
    }

    #[tokio::test]
    async fn what_nobody_asked_for_is_not_run() {
        let mut runner = Runner::new(true, Some("sql".to_owned()));
        runner
            .compare(FIGURE, async |_| panic!("run"), async |_| panic!("run"))
            .await
            .unwrap();
        runner.count("sleep", 0, 0, 0);
        assert!(runner.into_rows().is_empty());
    }

    #[tokio::test]
    async fn a_failure_ends_the_run() {
        let mut runner = Runner::new(true, None);
        let ended = runner
            .compare(
                FIGURE,
                async |_| Err("refused".into()),
                async |n| sleep(n).await,
            )
            .await;
        assert_eq!(ended.unwrap_err().to_string(), "refused");
    }

    #[test]
    fn targets_are_held_or_missed() {
        let check = |target, ours, other, expect: bool| {
            let row = compared(Figure { name: "x", target }, &[(ours, other)]);
            assert_eq!(row.is_held, expect, "{row:?}");
        };
        check(Target::Time(1.5), 150.0, 100.0, true);
        check(Target::Time(1.5), 151.0, 100.0, false);
        check(Target::Speed(0.95), 105.0, 100.0, true);
        check(Target::Speed(0.95), 106.0, 100.0, false);
    }

    #[test]
    fn a_pair_is_compared_within_itself() {
        let target = Target::Speed(0.97);
        // The machine was twice as slow for most of one side's rounds, but each pair says the same.
        let pairs = [(102.0, 100.0), (204.0, 200.0), (103.0, 101.0)];
        assert!(compared(Figure { name: "x", target }, &pairs).is_held);
    }

    #[tokio::test]
    async fn parts_make_one_row() {
        let mut runner = Runner::new(true, None);
        for _ in 0..PARTS {
            let (ours, other) = (
                async |n| sleep(n * 100).await,
                async |n| sleep(n * 1000).await,
            );
            runner.compare_part(FIGURE, ours, other).await.unwrap();
        }
        let rows = runner.into_rows();
        assert_eq!(rows.len(), 1);
        assert!(rows.iter().all(|row| row.is_held), "{rows:?}");
    }

    #[test]
    fn a_ratio_just_below_its_target_does_not_look_like_it() {
        assert_eq!(times(0.967), "0.967x");
        assert_eq!(times(1.234), "1.23x");
        assert_eq!(times(36.34), "36.3x");
    }

    #[test]
    fn durations_have_three_digits() {
        let check = |nanoseconds, expect| assert_eq!(duration(nanoseconds), expect);
        check(1.234, "1.23 ns");
        check(12_340.0, "12.3 us");
        check(123_400_000.0, "123 ms");
        check(2e9, "2.00 s");
    }
}
