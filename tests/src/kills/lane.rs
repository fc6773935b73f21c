//! One exchange, and the lives of one trader on it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use pampero_runtime::kill_point::KillPoint;
use tokio::runtime::Handle;

use super::Report;
use super::books::{self, Books};
use super::chance::Chance;
use super::ground::Ground;
use super::program::{die_at, trader};
use super::weather::{self, Weather};

/// Places that every lane ends lives at, in turn.
pub const PLACES: [KillPoint; 13] = [
    KillPoint::AfterPost,
    KillPoint::BeforeIntent,
    KillPoint::AfterIntent,
    KillPoint::BeforePost,
    KillPoint::BeforeAnswer,
    KillPoint::AfterAnswer,
    KillPoint::MidReconcile,
    KillPoint::Halting,
    KillPoint::BeforeCommit,
    KillPoint::AfterCommit,
    KillPoint::Cancelling,
    KillPoint::MidCheckpoint,
    KillPoint::MidArchive,
];

/// A life that does not come to its place within this is ended anywhere.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest that a command or the last life may take.
const LONGEST: Duration = Duration::from_secs(150);

type Outcome<T> = Result<T, String>;

struct Lane<'a> {
    program: &'a Path,
    ground: Ground,
    weather: Weather,
    chance: Chance,
    /// How often the faults were set.
    turn: u64,
    report: Report,
}

/// Runs a lane to its end.
pub fn run(runtime: &Handle, program: &Path, seed: u64, kills: u64) -> Outcome<Report> {
    let ground = Ground::start(runtime, seed + 1)?;
    let weather = Weather::of(seed);
    let mut lane =
        Lane { program, ground, weather, chance: Chance::new(seed), turn: seed, report: Report::default() };
    lane.set_faults(weather)?;
    // Every lane begins elsewhere in the list, so that few lives see every place.
    let mut places = PLACES.into_iter().cycle().skip(usize::try_from(seed * 5).unwrap_or(0) % PLACES.len());
    while lane.report.kills < kills {
        match places.next().filter(|_| lane.report.kills.is_multiple_of(2)) {
            Some(point @ (KillPoint::Halting | KillPoint::Cancelling)) => lane.die_while_halting(point)?,
            Some(point) => lane.die_at(point)?,
            None => lane.die_anywhere()?,
        }
    }
    lane.settle()?;
    Ok(lane.report)
}

impl Lane<'_> {
    fn set_faults(&mut self, weather: Weather) -> Outcome<()> {
        weather::count(&mut self.report, &self.ground.sandbox.fault_counts());
        self.turn += 1;
        self.ground.sandbox.set_faults(weather.rules(self.turn)).map_err(|error| error.to_string())
    }

    // Lives.

    fn spawn(&self, arguments: &[&str], death: Option<(KillPoint, u32)>) -> Outcome<Child> {
        let mut command =
            trader(self.program, &self.ground.folder(), arguments).map_err(|error| error.to_string())?;
        if let Some((point, nth)) = death {
            die_at(&mut command, point, nth);
        }
        command.spawn().map_err(|error| error.to_string())
    }

    /// A command that ends by itself.
    fn run(&self, arguments: &[&str]) -> Outcome<ExitStatus> {
        let mut process = self.spawn(arguments, None)?;
        if let Some(status) = Self::watch(&mut process, LONGEST)? {
            return Ok(status);
        }
        let _ = process.kill(); // it may have ended
        Err(format!("{arguments:?} does not end:\n{}", self.ground.log()))
    }

    /// Lets a life go on for a while; gives how it ended, if it did.
    fn watch(life: &mut Child, span: Duration) -> Outcome<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            let ended = life.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || began.elapsed() >= span {
                return Ok(ended);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends a life that has not ended by itself.
    fn kill(&mut self, mut life: Child, ended: Option<ExitStatus>, at: Option<KillPoint>) -> Outcome<()> {
        match ended {
            None => {
                life.kill().map_err(|error| error.to_string())?;
                life.wait().map_err(|error| error.to_string())?;
            }
            Some(status) if status.signal() == Some(9) => {
                if let Some(point) = at {
                    *self.report.at_points.entry(point.name().to_owned()).or_default() += 1;
                }
            }
            // An order that is there twice stops trading. A person looks, and lets it go on.
            Some(status) if status.code() == Some(6) && self.weather == Weather::Everything => {
                return self.resume();
            }
            Some(status) => return Err(format!("a life ended by itself ({status}):\n{}", self.ground.log())),
        }
        self.report.kills += 1;
        Ok(())
    }

    /// At any moment: while it starts, compares, places, cancels, writes.
    fn die_anywhere(&mut self) -> Outcome<()> {
        let longest = if self.chance.between(0, 7) == 0 { 25_000 } else { 7_000 };
        let span = Duration::from_millis(self.chance.between(10, longest));
        let mut life = self.spawn(&["live", "maker.toml"], None)?;
        let ended = Self::watch(&mut life, span)?;
        self.kill(life, ended, None)
    }

    fn die_at(&mut self, point: KillPoint) -> Outcome<()> {
        let most = match point {
            KillPoint::MidCheckpoint | KillPoint::MidArchive => 1,
            KillPoint::MidReconcile | KillPoint::BeforeCommit | KillPoint::AfterCommit => 12,
            _ => 4,
        };
        let nth = u32::try_from(self.chance.between(1, most)).unwrap_or(1);
        let mut life = self.spawn(&["live", "maker.toml"], Some((point, nth)))?;
        let ended = Self::watch(&mut life, PATIENCE)?;
        self.kill(life, ended, Some(point))
    }

    /// A person halts while it trades, and it dies over that. The halt stays, a new life refuses, and what is open can be
    /// cancelled without it.
    fn die_while_halting(&mut self, point: KillPoint) -> Outcome<()> {
        let mut life = self.spawn(&["live", "maker.toml"], Some((point, 1)))?;
        let span = Duration::from_millis(self.chance.between(2_500, 5_000));
        let early = Self::watch(&mut life, span)?;
        if early.is_none() {
            self.run(&["halt", "--reason", "a drill"])?;
        }
        let ended = if early.is_some() { early } else { Self::watch(&mut life, PATIENCE)? };
        self.kill(life, ended, Some(point))?;
        self.set_faults(Weather::Calm)?;
        let refused = self.run(&["live", "maker.toml"])?;
        if refused.code() != Some(6) {
            self.report.failures.push(format!("after a halt a new life began ({refused})"));
        }
        let panic = self.run(&["panic", "--everything", "--no-watch", "--watch", "8s"])?;
        let open = books::open(&self.ground.sandbox.accepted_orders());
        if !panic.success() || !open.is_empty() {
            let log = self.ground.log();
            self.report.failures.push(format!("panic ({panic}) left {open:?}:\n{log}"));
        }
        self.resume()?;
        self.set_faults(self.weather)
    }

    fn resume(&self) -> Outcome<()> {
        let resumed = self.run(&["resume", "--reason", "looked at it"])?;
        if resumed.success() {
            Ok(())
        } else {
            Err(format!("cannot be resumed ({resumed}):\n{}", self.ground.log()))
        }
    }

    /// The last life ends in order, without faults, and everything is accounted for.
    fn settle(&mut self) -> Outcome<()> {
        self.set_faults(Weather::Calm)?;
        self.resume()?;
        let ended = self.run(&["live", "maker.toml", "--for", "8s"])?;
        if !ended.success() {
            return Err(format!("the last life did not end in order ({ended}):\n{}", self.ground.log()));
        }
        let books = Books::read(&self.ground.state()?.journal_file())?;
        books.compare(&self.ground.sandbox, &mut self.report);
        Ok(())
    }
}
