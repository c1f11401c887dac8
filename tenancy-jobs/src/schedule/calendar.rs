//! `Utc`: seconds since 1970 as croner wants to see them.

use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};

use crate::{Error, Result};

const DAY: i64 = 86_400;

/// A second, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Utc(i64);

impl Utc {
    pub(super) fn at(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        Self(since.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        }))
    }

    pub(super) fn millis(self) -> i64 {
        self.0.saturating_mul(1_000)
    }

    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(self.0).unwrap_or_default())
    }
}

/// A line of cron: five fields, or six with seconds first.
pub(super) fn parse(line: &str) -> Result<Cron> {
    CronParser::builder()
        .seconds(Seconds::Optional)
        .build()
        .parse(line)
        .map_err(|_| Error::Config("not a line of cron: five fields, or six with seconds first"))
}

/// The last time of a line, up to this one.
pub(super) fn last(cron: &Cron, now: Utc) -> Option<Utc> {
    cron.find_previous_occurrence(&now, true).ok()
}

/// The next time of a line after this one.
pub(super) fn next(cron: &Cron, now: Utc) -> Option<Utc> {
    cron.find_next_occurrence(&now, false).ok()
}

/// Days since 1970 of a date, by the calendar of eras of 400 years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of days since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = year + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "parts of a date and of a time of day are small and positive"
)]
impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(year as i32, month as u32, day as u32),
            CivilTime::from_parts_unchecked(
                (second / 3_600) as u32,
                (second / 60 % 60) as u32,
                (second % 60) as u32,
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        // The first day of 1970 was a Thursday.
        Weekday::from_days_from_sunday((self.0.div_euclid(DAY) + 4).rem_euclid(7) as u32)
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let days = days(
            i64::from(civil.year()),
            i64::from(civil.month()),
            i64::from(civil.day()),
        );
        let hours = i64::from(civil.hour());
        let second = (hours * 60 + i64::from(civil.minute())) * 60 + i64::from(civil.second());
        Ok(Resolution::Single(Self(days * DAY + second)))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(seconds).map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        for day in -800_000..800_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_777), (2026, 11, 20));
    }

    #[test]
    fn lines_say_when() {
        // Friday, 20 November 2026, 19:00:00.
        let now = Utc(1_795_201_200);
        let check = |line: &str, before: i64, after: i64| {
            let cron = parse(line).unwrap();
            let seconds = |utc: Option<Utc>| utc.unwrap().0 - now.0;
            assert_eq!(
                (seconds(last(&cron, now)), seconds(next(&cron, now))),
                (before, after),
                "{line}"
            );
        };
        check("* * * * *", 0, 60);
        check("30 * * * *", -1_800, 1_800);
        check("0 3 * * *", -16 * 3_600, 8 * 3_600);
        check("0 0 * * MON", -(4 * 24 + 19) * 3_600, (2 * 24 + 5) * 3_600);
        check("*/10 * * * * *", 0, 10);
        for wrong in ["", "* * * *", "61 * * * *", "a b c d e"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
