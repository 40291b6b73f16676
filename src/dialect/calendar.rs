//! The calendar: a time as people write it, in UTC. Knows neither zones nor leap seconds.

/// The last second that has a date of ten characters, the end of the year 9999. Later ones are shown as this one.
const LAST: u64 = 253_402_300_799;

const DAY_SECONDS: u64 = 24 * 3600;

/// Days of 400 years: after so many the calendar repeats itself.
const ERA_DAYS: u64 = 400 * 365 + 97;

/// Days from the first of March of the year 0 to the first of January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

/// `dd/mm/yyyy hh:mm:ss` for a time in seconds since 1970, in UTC.
#[must_use]
pub fn stamp(time: u64) -> [u8; 19] {
    let time = time.min(LAST);
    let (year, month, day) = date(time / DAY_SECONDS);
    let second = time % DAY_SECONDS;
    let mut stamp = *b"00/00/0000 00:00:00";
    put(&mut stamp[0..2], day);
    put(&mut stamp[3..5], month);
    put(&mut stamp[6..10], year);
    put(&mut stamp[11..13], second / 3600);
    put(&mut stamp[14..16], second / 60 % 60);
    put(&mut stamp[17..19], second % 60);
    stamp
}

/// `yyyy-mm-dd hh:mm:ss` for a time in seconds since 1970, in UTC.
#[must_use]
pub fn sortable(time: u64) -> String {
    let stamp = stamp(time);
    let part = |from, to| std::str::from_utf8(&stamp[from..to]).expect("it is digits");
    format!("{}-{}-{} {}", part(6, 10), part(3, 5), part(0, 2), part(11, 19))
}

/// Year, month and day of a day, counted from the first of January 1970.
///
/// The year is taken to begin in March, so that the leap day is its last; then a month's first day follows from its
/// number alone, because the lengths 31, 30, 31, 30, 31 come again every five months.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    // Every 4 years have one day more, but for the last 4 of each of the first three centuries.
    let leap_days = day / (4 * 365) - day / (100 * 365 + 24) + day / (ERA_DAYS - 1);
    let year = (day - leap_days) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// Writes a number into all of `field`, with zeros in front.
fn put(field: &mut [u8], mut number: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time: u64) -> String {
        String::from_utf8(stamp(time).to_vec()).unwrap()
    }

    fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
    }

    #[test]
    fn known_moments_have_their_dates() {
        assert_eq!(text(0), "01/01/1970 00:00:00");
        assert_eq!(text(86_399), "01/01/1970 23:59:59");
        assert_eq!(text(86_400), "02/01/1970 00:00:00");
        assert_eq!(text(951_782_400), "29/02/2000 00:00:00");
        assert_eq!(text(951_868_800), "01/03/2000 00:00:00");
        assert_eq!(text(1_000_000_000), "09/09/2001 01:46:40");
        assert_eq!(text(1_234_567_890), "13/02/2009 23:31:30");
        assert_eq!(text(2_147_483_648), "19/01/2038 03:14:08");
        assert_eq!(text(4_107_542_399), "28/02/2100 23:59:59");
        assert_eq!(text(4_107_542_400), "01/03/2100 00:00:00");
    }

    #[test]
    fn a_sortable_time_has_the_same_parts_the_other_way_round() {
        assert_eq!(sortable(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(sortable(1_234_567_890), "2009-02-13 23:31:30");
        assert_eq!(sortable(u64::MAX), "9999-12-31 23:59:59");
    }

    #[test]
    fn every_day_follows_the_one_before_to_the_end_of_the_year_9999() {
        let mut expected = (1970, 1, 1);
        for day in 0..=LAST / DAY_SECONDS {
            assert_eq!(date(day), expected, "day {day}");
            let (year, month, day) = expected;
            let length = match month {
                4 | 6 | 9 | 11 => 30,
                2 => 28 + u64::from(is_leap(year)),
                _ => 31,
            };
            expected = match (month, day == length) {
                (_, false) => (year, month, day + 1),
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
            };
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    #[test]
    fn a_time_after_the_year_9999_is_shown_as_its_end() {
        assert_eq!(text(LAST), "31/12/9999 23:59:59");
        assert_eq!(text(LAST + 1), "31/12/9999 23:59:59");
        assert_eq!(text(u64::MAX), "31/12/9999 23:59:59");
    }
}
