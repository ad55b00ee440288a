//! Points in time as documents write them: XML Schema's `dateTimeStamp`.

use crate::UnixTime;

/// Reads `2026-11-21T12:00:00Z`, with a fraction, which is dropped, or an offset in place of `Z`. `None` for anything else, and for
/// what lies before 1970.
pub(super) fn read(text: &str) -> Option<UnixTime> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let zone_at = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let in_range = (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
    if !(in_range && is_fraction && hour <= 23 && minute <= 59 && second <= 59) {
        return None;
    }
    let local = days_before(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second;
    u64::try_from(local - offset(zone)?).ok().map(UnixTime::from_secs)
}

/// Seconds that local time is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) =
        zone.strip_prefix('+').map_or_else(|| zone.strip_prefix('-').map(|rest| (-1, rest)), |rest| Some((1, rest)))?;
    let [hours, minutes] = fields(rest, ':', [2, 2])?;
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Numbers of exactly so many digits each.
fn fields<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the first of January 1970 to this one.
fn days_before(year: i64, month: i64, day: i64) -> Option<i64> {
    let years = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>();
    let months = (1..month).map(|month| days_of(year, month)).sum::<i64>();
    (year >= 1970).then_some(years + months + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(read(text).map(UnixTime::as_secs), expected, "{text}");
    }

    #[test]
    fn times_are_utc_or_say_how_far_from_it() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-21T12:00:00Z", Some(1_795_262_400));
        check("2026-11-21T12:00:00.999Z", Some(1_795_262_400));
        check("2026-11-21T14:00:00+02:00", Some(1_795_262_400));
        check("2026-11-21T06:30:00-05:30", Some(1_795_262_400));
        check("2000-02-29T00:00:00Z", Some(951_782_400));
        check("2000-03-01T00:00:00Z", Some(951_868_800));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T12:00:00",
            "2026-11-21 12:00:00Z",
            "2026-11-21T12:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T12:60:00Z",
            "2026-11-21T12:00:60Z",
            "2026-11-21T12:00:00.Z",
            "2026-11-21T12:00:00.xZ",
            "2026-11-21T12:00:00+2:00",
            "2026-11-21T12:00:00+15:00",
            "2026-11-21T12:00:00Zx",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "+026-11-21T12:00:00Z",
        ] {
            check(text, None);
        }
    }
}
