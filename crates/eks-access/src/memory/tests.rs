use super::{
    Arrival, QUIET, Remembered, Silence, Turn, Why, after_telling, decide, first_look, next_look,
    pause, retry_pause,
};
use crate::catalogue::{Cause, find};
use crate::timestamp::{DAY, HOUR, MINUTE};

fn cause(id: &str) -> &'static Cause {
    find(id).unwrap()
}

fn at(time: i64) -> Arrival {
    Arrival {
        count: 1,
        first_seen: time,
        last_seen: time,
        cause: cause("principal-not-mapped"),
    }
}

/// Feeds arrivals one after the other, and says when and why people were told.
fn told(arrivals: impl IntoIterator<Item = Arrival>) -> (Vec<(i64, Why)>, Remembered) {
    let mut before: Option<Remembered> = None;
    let mut told = Vec::new();
    for arrival in arrivals {
        let turn = decide(before.as_ref(), &arrival, arrival.last_seen);
        let counted = Remembered::with(before.as_ref(), &arrival);
        before = Some(match turn {
            Turn::Speak(why) => {
                told.push((arrival.last_seen, why));
                after_telling(&counted, &arrival, why)
            }
            Turn::Edit | Turn::Silent(_) => counted,
        });
    }
    (told, before.unwrap())
}

#[test]
fn a_denial_a_minute_for_thirty_hours_is_told_four_times() {
    let (told, left) = told((0..1800).map(|minute| at(minute * MINUTE)));
    let minutes: Vec<i64> = told.iter().map(|(time, _)| time / MINUTE).collect();
    assert_eq!(minutes, [0, 60, 300, 1260]);
    assert_eq!((left.count, left.told, left.episode), (1800, 4, 1));
}

#[test]
fn after_a_quiet_day_the_next_denial_is_a_new_episode() {
    let (told, left) = told([
        at(0),
        at(HOUR / 2),
        at(HOUR / 2 + QUIET),
        at(HOUR + 2 * QUIET),
    ]);
    let why: Vec<Why> = told.iter().map(|(_, why)| *why).collect();
    assert_eq!(why, [Why::First, Why::Repeat, Why::First]);
    assert_eq!(
        (left.count, left.episode, left.first_seen),
        (1, 2, HOUR + 2 * QUIET)
    );
}

#[test]
fn a_cause_that_became_specific_is_told_early_and_once() {
    let specific = |time| Arrival {
        cause: cause("entry-outlived-its-role"),
        ..at(time)
    };
    let (told, _) = told([
        at(0),
        specific(MINUTE),
        specific(6 * MINUTE),
        specific(12 * MINUTE),
        at(13 * MINUTE),
        specific(20 * MINUTE),
        at(HOUR),
    ]);
    assert_eq!(
        told,
        [
            (0, Why::First),
            (6 * MINUTE, Why::Learned),
            (HOUR, Why::Repeat)
        ]
    );
}

#[test]
fn who_is_refused_again_after_it_was_resolved_is_told_at_once() {
    let (_, mut before) = told([at(0)]);
    before.resolved_at = Some(10 * MINUTE);
    assert_eq!(
        decide(Some(&before), &at(9 * MINUTE), 0),
        Turn::Silent(Silence::Told)
    );
    let arrival = at(11 * MINUTE);
    assert_eq!(
        decide(Some(&before), &arrival, 0),
        Turn::Speak(Why::Relapsed)
    );
    let after = after_telling(
        &Remembered::with(Some(&before), &arrival),
        &arrival,
        Why::Relapsed,
    );
    // It goes on where it was: on the same card, and the next repetition is later still.
    assert_eq!(
        (after.resolved_at, after.count, after.episode, after.told),
        (None, 2, 1, 2)
    );
    assert_eq!(after.next_at, 11 * MINUTE + pause(2));
}

#[test]
fn a_mute_and_a_lease_silence_until_they_end() {
    let (_, told) = told([at(0)]);
    let muted = Remembered {
        muted_until: Some(5),
        ..told.clone()
    };
    let claimed = Remembered {
        lease_until: Some(5),
        ..told
    };
    let late = at(2 * HOUR);
    assert_eq!(decide(Some(&muted), &late, 4), Turn::Silent(Silence::Muted));
    assert_eq!(decide(Some(&muted), &late, 5), Turn::Speak(Why::Repeat));
    assert_eq!(
        decide(Some(&claimed), &late, 4),
        Turn::Silent(Silence::Claimed)
    );
    assert_eq!(decide(Some(&claimed), &late, 5), Turn::Speak(Why::Repeat));
}

#[test]
fn a_card_s_counts_are_brought_up_to_date_every_ten_minutes() {
    let (_, told) = told([at(0)]);
    let with_card = Remembered {
        has_card: true,
        ..told
    };
    let turn = |minute| decide(Some(&with_card), &at(minute * MINUTE), 0);
    assert_eq!(turn(9), Turn::Silent(Silence::Told));
    assert_eq!(turn(10), Turn::Edit);
}

#[test]
fn pauses_grow_to_a_day_and_retries_to_half_an_hour() {
    let hours: Vec<i64> = (1..7).map(|told| pause(told) / HOUR).collect();
    assert_eq!(hours, [1, 4, 16, 24, 24, 24]);
    assert_eq!(pause(u64::MAX), DAY);
    let minutes: Vec<i64> = [1, 2, 3, 5, 6, u64::MAX]
        .map(|attempts| retry_pause(attempts) / MINUTE)
        .into();
    assert_eq!(minutes, [1, 2, 4, 16, 30, 30]);
    assert_eq!(next_look(0, 0, 0), Some(2 * MINUTE));
    assert_eq!(next_look(9, 0, 0), Some(64 * MINUTE));
    assert_eq!(next_look(0, 0, DAY + 1), None);
}

#[test]
fn what_comes_late_does_not_take_back_that_it_is_resolved() {
    let (_, told) = told([at(0)]);
    let resolved = Remembered {
        resolved_at: Some(2 * HOUR),
        has_card: true,
        ..told
    };
    for minute in [1, 15, 61, 119] {
        assert_eq!(
            decide(Some(&resolved), &at(minute * MINUTE), 0),
            Turn::Silent(Silence::Told),
            "{minute}"
        );
    }
}

#[test]
fn facts_that_are_missing_once_make_nothing_less_certain() {
    let specific = Arrival {
        cause: cause("entry-outlived-its-role"),
        ..at(0)
    };
    let (telling, left) = told([specific, at(HOUR), at(HOUR + 6 * MINUTE)]);
    assert_eq!(telling.len(), 2);
    assert_eq!(left.told_cause, "entry-outlived-its-role");
    let again = Arrival {
        cause: cause("mapping-without-effect"),
        ..at(HOUR + 12 * MINUTE)
    };
    assert_eq!(decide(Some(&left), &again, 0), Turn::Silent(Silence::Told));
}

#[test]
fn who_is_refused_and_let_in_by_turns_is_looked_for_less_and_less() {
    let (_, mut state) = told([at(0)]);
    let mut hours = Vec::new();
    for _ in 0..4 {
        state.resolved_at = Some(state.last_seen);
        let arrival = at(state.last_seen + MINUTE);
        assert_eq!(
            decide(Some(&state), &arrival, 0),
            Turn::Speak(Why::Relapsed)
        );
        state = after_telling(
            &Remembered::with(Some(&state), &arrival),
            &arrival,
            Why::Relapsed,
        );
        hours.push(first_look(&state, Why::Relapsed, 0).unwrap() / HOUR);
    }
    assert_eq!(hours, [4, 16, 24, 24]);
}

#[test]
fn nothing_said_for_two_days_means_that_it_was_quiet() {
    let (_, told) = told([at(0)]);
    // Another delivery has moved the last line, and its function died before it said anything.
    let moved = Remembered {
        last_seen: 3 * DAY,
        ..told
    };
    assert_eq!(
        decide(Some(&moved), &at(3 * DAY + MINUTE), 0),
        Turn::Speak(Why::First)
    );
}
