//! Whether silence means that the other side is gone. Pure: clocks come in.

use std::time::Duration;

use pampero_model::Timestamp;

use super::heartbeat::{Beat, Life};

/// What the watchdog sees at one look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// What the file says, where it says something.
    pub beat: Option<Beat>,
    /// Whether the process of the beat is known to be gone.
    pub process_gone: bool,
    /// A clock that nobody sets, which may stand still while the machine sleeps.
    pub monotonic: Duration,
    /// The clock of the machine, which may be set.
    pub wall: Timestamp,
}

/// What follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing new.
    Quiet,
    /// A run beats that did not before: its process.
    Armed(u32),
    /// The run ended in order.
    Released,
    /// Nothing ran here for so long; the other side may need a moment too.
    Slept(Duration),
    /// The run is gone: why.
    Fire(String),
}

#[derive(Debug)]
pub(super) struct Judge {
    max_age: Duration,
    look_every: Duration,
    state: State,
    /// The clocks at the last look.
    last: Option<(Duration, Timestamp)>,
}

#[derive(Debug)]
enum State {
    /// No run beats. The one that ended or was fired upon is not watched again.
    Idle { over: Option<Timestamp> },
    Watching {
        beat: Beat,
        /// When it changed, by the clock that nobody sets.
        changed: Duration,
        /// Whether patience was given for a sleep since.
        excused: bool,
        /// Whether the process was gone at the last look.
        gone: bool,
    },
}

impl Judge {
    pub fn new(max_age: Duration, look_every: Duration) -> Self {
        Self { max_age, look_every, state: State::Idle { over: None }, last: None }
    }

    pub fn look(&mut self, look: &Look) -> Verdict {
        let slept = self.slept(look);
        match &mut self.state {
            State::Idle { over } => {
                let Some(beat) = look.beat.clone().filter(|beat| Some(beat.run) != *over) else {
                    return Verdict::Quiet;
                };
                if beat.life == Life::Ended {
                    *over = Some(beat.run);
                    return Verdict::Quiet;
                }
                let pid = beat.pid;
                self.state = State::Watching { beat, changed: look.monotonic, excused: false, gone: false };
                Verdict::Armed(pid)
            }
            State::Watching { beat, changed, excused, gone } => {
                if let Some(new) = look.beat.as_ref().filter(|new| *new != beat) {
                    let another = new.run != beat.run;
                    (*beat, *changed, *excused, *gone) = (new.clone(), look.monotonic, false, false);
                    if new.life == Life::Ended {
                        self.state = State::Idle { over: Some(new.run) };
                        return Verdict::Released;
                    }
                    if another {
                        return Verdict::Armed(new.pid);
                    }
                    return slept.map_or(Verdict::Quiet, Verdict::Slept);
                }
                if let Some(span) = slept.filter(|_| !*excused) {
                    (*changed, *excused, *gone) = (look.monotonic, true, false);
                    return Verdict::Slept(span);
                }
                let age = look.monotonic.saturating_sub(*changed);
                // Seen twice, since the next run may be writing its first beat just now.
                let died = look.process_gone && std::mem::replace(gone, look.process_gone);
                let reason = if died {
                    format!("the process {} is gone", beat.pid)
                } else if age >= self.max_age {
                    format!("no sign of life from process {} for {} s", beat.pid, age.as_secs())
                } else {
                    return Verdict::Quiet;
                };
                self.state = State::Idle { over: Some(beat.run) };
                Verdict::Fire(reason)
            }
        }
    }

    /// How long nothing ran here, by whichever clock noticed: the one goes on while the watchdog alone is held up,
    /// the other while the machine sleeps. A clock that is set forward looks the same, and costs a little patience.
    fn slept(&mut self, look: &Look) -> Option<Duration> {
        let (monotonic, wall) = self.last.replace((look.monotonic, look.wall))?;
        let by_wall = forward(look.wall.as_nanos().saturating_sub(wall.as_nanos()));
        let span = by_wall.max(look.monotonic.saturating_sub(monotonic));
        (span > (self.look_every * 3).max(Duration::from_secs(5))).then_some(span)
    }
}

/// Zero for a clock that was set back.
fn forward(nanos: i64) -> Duration {
    u64::try_from(nanos).map_or(Duration::ZERO, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(15);

    /// A watchdog and its clocks, a look each second.
    struct Room {
        judge: Judge,
        monotonic: Duration,
        wall: i64,
        beat: Option<Beat>,
        process_gone: bool,
    }

    impl Room {
        fn new() -> Self {
            let judge = Judge::new(MAX_AGE, Duration::from_secs(1));
            Self { judge, monotonic: Duration::ZERO, wall: 1_000_000, beat: None, process_gone: false }
        }

        fn start(&mut self, run: i64) {
            let run = Timestamp::from_secs(run);
            self.beat = Some(Beat { pid: 7, run, seq: 0, at: run, life: Life::Running });
        }

        fn beat(&mut self) {
            self.beat.as_mut().unwrap().seq += 1;
        }

        fn look_after(&mut self, monotonic: u64, wall: i64) -> Verdict {
            self.monotonic += Duration::from_secs(monotonic);
            self.wall += wall;
            let wall = Timestamp::from_secs(self.wall);
            let (beat, process_gone) = (self.beat.clone(), self.process_gone);
            self.judge.look(&Look { beat, process_gone, monotonic: self.monotonic, wall })
        }

        fn look(&mut self) -> Verdict {
            self.look_after(1, 1)
        }

        /// Looks until something happens: how many seconds that takes, and what.
        fn until(&mut self, longest: u64) -> (u64, Verdict) {
            let mut found = (longest, Verdict::Quiet);
            for second in 1..=longest {
                found = (second, self.look());
                if found.1 != Verdict::Quiet {
                    break;
                }
            }
            found
        }

        fn fires(&mut self, longest: u64) -> u64 {
            let (seconds, verdict) = self.until(longest);
            assert!(matches!(verdict, Verdict::Fire(_)), "{verdict:?}");
            seconds
        }
    }

    #[test]
    fn it_fires_on_silence_and_only_once() {
        let mut room = Room::new();
        assert_eq!(room.until(100), (100, Verdict::Quiet));
        room.start(1);
        assert_eq!(room.look(), Verdict::Armed(7));
        for _ in 0..100 {
            room.beat();
            assert_eq!(room.look(), Verdict::Quiet);
        }
        assert_eq!(room.fires(100), 15);
        // The same run is not believed again, the next one is.
        room.beat();
        assert_eq!(room.until(100), (100, Verdict::Quiet));
        room.start(2);
        assert_eq!(room.look(), Verdict::Armed(7));
        assert_eq!(room.fires(100), 15);
    }

    #[test]
    fn a_file_that_is_gone_is_silence_and_a_stale_one_at_the_start_too() {
        let mut room = Room::new();
        room.start(1);
        room.look();
        let beat = room.beat.take();
        assert_eq!(room.fires(100), 15);
        let mut room = Room { beat, ..Room::new() };
        assert_eq!(room.look(), Verdict::Armed(7));
        assert_eq!(room.fires(100), 15);
    }

    #[test]
    fn a_process_that_is_gone_is_seen_within_two_looks() {
        let mut room = Room::new();
        room.start(1);
        room.look();
        room.process_gone = true;
        assert_eq!(room.fires(100), 2);
    }

    #[test]
    fn an_end_in_order_is_no_silence() {
        let mut room = Room::new();
        room.start(1);
        room.look();
        room.beat.as_mut().unwrap().life = Life::Ended;
        room.process_gone = true;
        assert_eq!(room.look(), Verdict::Released);
        assert_eq!(room.until(100), (100, Verdict::Quiet));
        let mut room = Room { beat: room.beat, ..Room::new() };
        assert_eq!(room.until(100), (100, Verdict::Quiet));
    }

    #[test]
    fn clocks_that_are_set_change_nothing() {
        let mut room = Room::new();
        room.start(1);
        room.look();
        for wall in [-3_600, 1, -86_400, 1, 1] {
            room.beat();
            assert_eq!(room.look_after(1, wall), Verdict::Quiet);
        }
        // Set forward it looks like a sleep, which is said and costs one patience.
        assert!(matches!(room.look_after(1, 3_600), Verdict::Slept(_)));
        assert_eq!(room.fires(100), 15);
    }

    #[test]
    fn after_a_sleep_the_other_side_has_time_to_wake_up() {
        for (monotonic, wall) in [(1, 3_600), (60, 60)] {
            let mut room = Room::new();
            room.start(1);
            room.look();
            assert!(matches!(room.look_after(monotonic, wall), Verdict::Slept(_)));
            assert_eq!(room.until(10), (10, Verdict::Quiet));
            room.beat();
            assert_eq!(room.until(14), (14, Verdict::Quiet));
            room.look_after(monotonic, wall);
            assert_eq!(room.fires(100), 15);
        }
    }

    #[test]
    fn held_up_at_every_look_it_fires_all_the_same() {
        let mut room = Room::new();
        room.start(1);
        room.look();
        let verdicts: Vec<_> = (0..10).map(|_| room.look_after(6, 6)).collect();
        assert!(verdicts.iter().any(|verdict| matches!(verdict, Verdict::Fire(_))), "{verdicts:?}");
    }
}
