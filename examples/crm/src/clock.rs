//! Time as the CRM stores and shows it: unix seconds, `YYYY-MM` months, and dates for people.
//!
//! Nothing else in the CRM reads the clock.

use time::{Date, Month, OffsetDateTime};

/// Now, in unix seconds.
pub fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// The month of a moment, as the `YYYY-MM` text of the database.
pub fn month(at: i64) -> String {
    let at = moment(at);
    format!("{:04}-{:02}", at.year(), u8::from(at.month()))
}

/// The `count` months that end with the month of `at`, oldest first.
pub fn months_until(at: i64, count: usize) -> Vec<String> {
    let at = moment(at);
    let (mut year, mut number) = (at.year(), i32::from(u8::from(at.month())));
    let mut months = Vec::with_capacity(count);
    for _ in 0..count {
        months.push(format!("{year:04}-{number:02}"));
        number -= 1;
        if number == 0 {
            (year, number) = (year - 1, 12);
        }
    }
    months.reverse();
    months
}

/// A date for people: `3 Nov 2026`.
pub fn day(at: i64) -> String {
    let at = moment(at);
    format!("{} {} {}", at.day(), short(at.month()), at.year())
}

/// A date for programs and `<time datetime>`: `2026-11-03T09:30:00Z`.
pub fn rfc3339(at: i64) -> String {
    moment(at)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

/// `2026-11` as `Nov 26`, or the text itself if it is no month.
pub fn month_label(month: &str) -> String {
    let parsed = month.split_once('-').and_then(|(year, number)| {
        let number = Month::try_from(number.parse::<u8>().ok()?).ok()?;
        Some(format!("{} {}", short(number), year.get(2..)?))
    });
    parsed.unwrap_or_else(|| month.to_owned())
}

/// The first second of the day that lies `days` before `at`.
pub fn days_before(at: i64, days: i64) -> i64 {
    let date: Date = moment(at.saturating_sub(days.saturating_mul(86_400))).date();
    date.midnight().assume_utc().unix_timestamp()
}

fn moment(at: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn short(month: Month) -> &'static str {
    match month {
        Month::January => "Jan",
        Month::February => "Feb",
        Month::March => "Mar",
        Month::April => "Apr",
        Month::May => "May",
        Month::June => "Jun",
        Month::July => "Jul",
        Month::August => "Aug",
        Month::September => "Sep",
        Month::October => "Oct",
        Month::November => "Nov",
        Month::December => "Dec",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_as_month_day_and_timestamp() {
        let at = 1_793_698_200; // 2026-11-03T09:30:00Z
        assert_eq!(month(at), "2026-11");
        assert_eq!(day(at), "3 Nov 2026");
        assert_eq!(rfc3339(at), "2026-11-03T09:30:00Z");
        assert_eq!(month_label("2026-11"), "Nov 26");
        assert_eq!(month_label("soon"), "soon");
    }

    #[test]
    fn months_run_over_the_turn_of_the_year() {
        let months = months_until(1_768_000_000, 3); // January 2026
        assert_eq!(months, ["2025-11", "2025-12", "2026-01"]);
    }
}
