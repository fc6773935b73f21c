//! Instants, spans and trading days.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_model::{Span, Timestamp, TradingDay};
use proptest::prelude::*;

/// Any instant, the ends of time more often than chance would have it.
fn nanos() -> impl Strategy<Value = i64> {
    prop_oneof![8 => any::<i64>(), 1 => i64::MIN..i64::MIN + 1_000, 1 => i64::MAX - 1_000..=i64::MAX]
}

const DAY: i64 = 86_400_000_000_000;

proptest! {
    #[test]
    fn instants_are_read_as_they_are_written(nanos in nanos()) {
        let time = Timestamp::from_nanos(nanos);
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn an_offset_is_the_same_instant(seconds in 0_i64..4_000_000_000, hours in 0_i64..14) {
        let time = Timestamp::from_secs(seconds);
        let ahead = time.plus(Span::from_hours(hours)).to_string();
        let text = format!("{}+{hours:02}:00", ahead.trim_end_matches('Z'));
        prop_assert_eq!(text.parse(), Ok(time), "{}", text);
    }

    #[test]
    fn spans_are_read_as_they_are_written(nanos in 0_i64.., shift in 0_u32..63) {
        let span = Span::from_nanos(nanos >> shift);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn spans_of_each_unit(count in 0_i64..100_000) {
        let text = |unit| format!("{count}{unit}").parse::<Span>().unwrap();
        prop_assert_eq!(text("ms"), Span::from_millis(count));
        prop_assert_eq!(text("s"), Span::from_secs(count));
        prop_assert_eq!(text("m"), Span::from_minutes(count));
        prop_assert_eq!(text("h"), Span::from_hours(count));
        prop_assert_eq!(text("d"), Span::from_hours(24 * count));
        prop_assert_eq!(text("us").as_nanos(), 1_000 * count);
    }

    #[test]
    fn other_texts_are_no_span_and_no_instant(text in "[a-z :.]{0,10}") {
        prop_assert!(text.parse::<Span>().is_err());
        prop_assert!(text.parse::<Timestamp>().is_err());
    }

    #[test]
    fn buckets_are_aligned_and_hold_their_instant(nanos in nanos(), span in 1_i64..1_000_000_000_000_000) {
        let start = Timestamp::from_nanos(nanos).floor_to(Span::from_nanos(span)).as_nanos();
        let within = i128::from(nanos) - i128::from(start);
        prop_assert!(within >= 0 && within < i128::from(span));
        // At the very beginning of time the bucket would start before it.
        prop_assert!(start.rem_euclid(span) == 0 || start == i64::MIN);
    }

    #[test]
    fn without_a_span_there_are_no_buckets(nanos in nanos(), span in i64::MIN..=0) {
        let time = Timestamp::from_nanos(nanos);
        prop_assert_eq!(time.floor_to(Span::from_nanos(span)), time);
    }

    #[test]
    fn differences_and_sums_stay_in_range(a in nanos(), b in nanos()) {
        let (early, late) = (Timestamp::from_nanos(a.min(b)), Timestamp::from_nanos(a.max(b)));
        let span = late.since(early);
        prop_assert_eq!(i128::from(span.as_nanos()), (i128::from(late.as_nanos()) - i128::from(early.as_nanos())).min(i64::MAX.into()));
        prop_assert_eq!(early.since(late), Span::ZERO);
        if span < Span::MAX {
            prop_assert_eq!((early.plus(span), late.minus(span)), (late, early));
        }
        prop_assert!(late.plus(span) >= late && early.minus(span) <= early);
    }

    #[test]
    fn milliseconds_are_rounded_down(nanos in nanos()) {
        let millis = Timestamp::from_nanos(nanos).as_millis();
        let rest = i128::from(nanos) - i128::from(millis) * 1_000_000;
        prop_assert!((0..1_000_000).contains(&rest));
    }

    #[test]
    fn the_day_in_utc_is_a_bucket_of_a_day(nanos in -4_000_000_000_000_000_000_i64..4_000_000_000_000_000_000) {
        let at = Timestamp::from_nanos(nanos);
        let expected = at.floor_to(Span::from_nanos(DAY)).plus(Span::from_nanos(DAY));
        prop_assert_eq!(TradingDay::utc().next_start(at), expected);
    }

    #[test]
    fn the_next_day_begins_later_but_not_by_more_than_a_long_day(
        nanos in 0_i64..4_000_000_000_000_000_000,
        zone in prop_oneof![
            Just("America/Argentina/Buenos_Aires"), Just("America/Santiago"), Just("America/Sao_Paulo"),
            Just("Europe/Madrid"), Just("America/Havana"),
        ],
    ) {
        let day = TradingDay::in_zone(zone).unwrap();
        let at = Timestamp::from_nanos(nanos);
        let next = day.next_start(at);
        prop_assert!(next > at && next.since(at) <= Span::from_hours(26), "{}", next);
        // Every instant until then belongs to the same day.
        prop_assert_eq!(day.next_start(Timestamp::from_nanos(next.as_nanos() - 1)), next);
        prop_assert!(day.next_start(next) > next);
    }
}

#[test]
fn there_is_no_day_after_the_last() {
    assert_eq!(TradingDay::utc().next_start(Timestamp::MAX), Timestamp::MAX);
    assert!(TradingDay::in_zone("Atlantis/Capital").is_err());
}

#[test]
fn the_longest_span_is_a_word_for_people() {
    assert_eq!(Span::MAX.to_string(), "forever");
    assert_eq!("forever".parse(), Ok(Span::MAX));
}
