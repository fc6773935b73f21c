//! The way to the venue and back: requests and reports in flight, each with the time it arrives.

use std::collections::VecDeque;

use pampero_model::{Order, OrderId, OrderUpdate, Span, Timestamp, UpdateKind};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::latency::{Latency, LatencyModel};

/// A request as it arrives at the venue.
#[derive(Clone, Copy, Debug)]
pub enum Request {
    Place(Order),
    Cancel(OrderId),
}

#[derive(Debug)]
pub struct Bus {
    latency: Latency,
    random: Pcg64Mcg,
    /// Ascending by arrival; of equal arrivals the one sent first stands first.
    requests: VecDeque<(Timestamp, Request)>,
    /// Ascending by arrival.
    reports: VecDeque<(Timestamp, OrderUpdate)>,
    /// When the latest report arrives.
    last_report: Timestamp,
    /// The earliest arrival of anything in flight; kept, because it is asked for with every event.
    due: Timestamp,
}

/// One draw of a model; the clock never runs backwards.
fn draw(model: &LatencyModel, random: &mut Pcg64Mcg) -> Span {
    model.draw(random).max(Span::ZERO)
}

impl Bus {
    pub fn new(latency: Latency, seed: u64) -> Self {
        Self {
            latency,
            random: Pcg64Mcg::seed_from_u64(seed),
            requests: VecDeque::new(),
            reports: VecDeque::new(),
            last_report: Timestamp::MIN,
            due: Timestamp::MAX,
        }
    }

    pub fn send_order(&mut self, now: Timestamp, order: &Order) {
        let arrival = now.plus(draw(&self.latency.order, &mut self.random));
        self.send(arrival, Request::Place(*order));
    }

    /// A cancellation does not overtake the placement of its order: the order's id is known only with the
    /// answer to the placement.
    pub fn send_cancel(&mut self, now: Timestamp, order: OrderId) {
        let arrival = now.plus(draw(&self.latency.cancel, &mut self.random));
        let placed = self.requests.iter().find_map(|(due, request)| match request {
            Request::Place(placed) if placed.id == order => Some(*due),
            _ => None,
        });
        self.send(placed.map_or(arrival, |placed| arrival.max(placed)), Request::Cancel(order));
    }

    fn send(&mut self, arrival: Timestamp, request: Request) {
        let at = self.requests.partition_point(|(due, _)| *due <= arrival);
        self.requests.insert(at, (arrival, request));
        self.due = self.due.min(arrival);
    }

    /// The next request that has arrived by `now`, with the time it arrived.
    #[inline]
    pub fn arrived(&mut self, now: Timestamp) -> Option<(Timestamp, Request)> {
        let arrived = self.requests.pop_front_if(|(due, _)| *due <= now)?;
        self.look();
        Some(arrived)
    }

    /// Sends a report back. It arrives no earlier than the one before.
    pub fn report(&mut self, time: Timestamp, order: OrderId, kind: UpdateKind) {
        let arrival = time.plus(draw(&self.latency.report, &mut self.random)).max(self.last_report);
        self.last_report = arrival;
        self.reports.push_back((arrival, OrderUpdate { order, time, kind }));
        self.due = self.due.min(arrival);
    }

    /// The next report that has arrived by `now`.
    #[inline]
    pub fn reported(&mut self, now: Timestamp) -> Option<OrderUpdate> {
        let (_, update) = self.reports.pop_front_if(|(due, _)| *due <= now)?;
        self.look();
        Some(update)
    }

    fn look(&mut self) {
        let request = self.requests.front().map_or(Timestamp::MAX, |(due, _)| *due);
        let report = self.reports.front().map_or(Timestamp::MAX, |(due, _)| *due);
        self.due = request.min(report);
    }

    /// The earliest arrival of anything in flight.
    #[inline]
    pub fn next_due(&self) -> Timestamp {
        self.due
    }
}
