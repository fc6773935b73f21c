//! Executions that were counted, remembered for as long as a read can show them again.

use std::collections::VecDeque;

use pampero_model::{FillId, Side};
use serde::{Deserialize, Serialize};

/// The executions of one venue account that were counted, so that none is counted twice. Its size is bounded: of each
/// side it keeps the newest [`MOST`](Self::MOST) ids, and once it is full every older id counts as known.
///
/// That is exact as long as no read shows more than that many executions, newest first: whatever is older than the
/// oldest kept id has so many newer ones before it that no read reaches it any more. Ids ascend with time; see
/// [`FillId`].
///
/// ```
/// use pampero_engine::CountedFills;
/// use pampero_model::{FillId, Side};
///
/// let mut counted = CountedFills::default();
/// assert!(counted.insert(Side::Buy, FillId(7)));
/// assert!(!counted.insert(Side::Buy, FillId(7)), "shown again");
/// assert!(counted.insert(Side::Sell, FillId(7)), "the other side of the same match");
/// assert!(counted.insert(Side::Buy, FillId(5)), "late");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Side, FillId)>", into = "Vec<(Side, FillId)>")]
pub struct CountedFills {
    /// Ascending, by side.
    sides: [VecDeque<FillId>; 2],
    most: usize,
}

impl CountedFills {
    /// How many ids are kept of each side: well beyond the most that is ever asked for at once.
    pub const MOST: usize = 8_192;

    fn keeping(most: usize) -> Self {
        Self { sides: [VecDeque::with_capacity(most), VecDeque::with_capacity(most)], most }
    }

    fn side(&self, side: Side) -> &VecDeque<FillId> {
        let [buys, sells] = &self.sides;
        if side == Side::Buy { buys } else { sells }
    }

    fn is_forgotten(&self, side: Side, id: FillId) -> bool {
        let ids = self.side(side);
        ids.len() >= self.most && ids.front().is_some_and(|oldest| id < *oldest)
    }

    /// Whether an execution was counted.
    pub fn contains(&self, side: Side, id: FillId) -> bool {
        self.is_forgotten(side, id) || self.side(side).binary_search(&id).is_ok()
    }

    /// Counts an execution. False if it was counted before.
    pub fn insert(&mut self, side: Side, id: FillId) -> bool {
        if self.is_forgotten(side, id) {
            return false;
        }
        let [buys, sells] = &mut self.sides;
        let ids = if side == Side::Buy { buys } else { sells };
        // Nearly always it is the newest.
        let at = match ids.back() {
            Some(newest) if *newest >= id => match ids.binary_search(&id) {
                Ok(_) => return false,
                Err(at) => at,
            },
            _ => ids.len(),
        };
        // The oldest goes first: the room never grows. `at` is not zero here, for nothing older than the oldest came so far.
        let full = ids.len() >= self.most && ids.pop_front().is_some();
        ids.insert(at.saturating_sub(usize::from(full)), id);
        true
    }

    /// Those that are kept, buys first, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Side, FillId)> {
        [Side::Buy, Side::Sell].into_iter().flat_map(|side| self.side(side).iter().map(move |id| (side, *id)))
    }
}

impl Default for CountedFills {
    fn default() -> Self {
        Self::keeping(Self::MOST)
    }
}

impl Extend<(Side, FillId)> for CountedFills {
    fn extend<T: IntoIterator<Item = (Side, FillId)>>(&mut self, fills: T) {
        for (side, id) in fills {
            self.insert(side, id);
        }
    }
}

impl FromIterator<(Side, FillId)> for CountedFills {
    fn from_iter<T: IntoIterator<Item = (Side, FillId)>>(fills: T) -> Self {
        let mut counted = Self::default();
        counted.extend(fills);
        counted
    }
}

impl From<Vec<(Side, FillId)>> for CountedFills {
    fn from(fills: Vec<(Side, FillId)>) -> Self {
        fills.into_iter().collect()
    }
}

impl From<CountedFills> for Vec<(Side, FillId)> {
    fn from(counted: CountedFills) -> Self {
        counted.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

    /// What an exchange did, and what a read showed.
    #[derive(Clone, Debug)]
    enum Step {
        /// An execution; some are shown only after so many later ones.
        Executes { side: bool, late_by: u64 },
        /// The newest so many.
        Read(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let executes = (any::<bool>(), prop_oneof![4 => Just(0), 1 => 1_u64..8])
            .prop_map(|(side, late_by)| Step::Executes { side, late_by });
        prop_oneof![3 => executes, 1 => (1_usize..=8).prop_map(Step::Read)]
    }

    proptest! {
        /// Reads of at most half of what is kept, executions late by at most the other half: whatever any read shows is
        /// counted exactly once, as by a set that forgets nothing, and the size stays bounded.
        #[test]
        fn whatever_a_read_shows_is_counted_once(steps in prop::collection::vec(step(), 1..400)) {
            let mut counted = CountedFills::keeping(16);
            let mut times: BTreeMap<(Side, FillId), u32> = BTreeMap::new();
            let mut shown: BTreeSet<(Side, FillId)> = BTreeSet::new();
            // Of each execution: from which id on it is visible.
            let mut executed: Vec<(Side, FillId, u64)> = Vec::new();
            for step in steps {
                let now = executed.len() as u64;
                match step {
                    Step::Executes { side, late_by } => {
                        executed.push((SIDES[usize::from(side)], FillId(now * 3), now + late_by));
                    }
                    Step::Read(most) => {
                        let visible = executed.iter().rev().filter(|(.., from)| *from <= now);
                        for (side, id, _) in visible.take(most) {
                            shown.insert((*side, *id));
                            let known = counted.contains(*side, *id);
                            let new = counted.insert(*side, *id);
                            prop_assert_ne!(known, new);
                            *times.entry((*side, *id)).or_default() += u32::from(new);
                        }
                    }
                }
                prop_assert!(counted.iter().count() <= 32);
            }
            prop_assert!(times.values().all(|times| *times == 1), "{times:?}");
            prop_assert_eq!(times.len(), shown.len());
        }

        /// The order in which executions come makes no difference once the same ones have come, and neither does
        /// writing them down in between.
        #[test]
        fn it_is_a_function_of_what_was_counted(
            mut ids in prop::collection::vec((any::<bool>(), 0_u64..200), 0..300),
            cut in 0_usize..300,
        ) {
            let fills = |ids: &[(bool, u64)]| -> Vec<_> {
                ids.iter().map(|(side, id)| (SIDES[usize::from(*side)], FillId(*id))).collect()
            };
            let mut one = CountedFills::keeping(20);
            one.extend(fills(&ids));
            let mut two = CountedFills::keeping(20);
            let cut = cut.min(ids.len());
            two.extend(fills(&ids[..cut]));
            let written: Vec<_> = two.iter().collect();
            let mut two = CountedFills::keeping(20);
            two.extend(written);
            two.extend(fills(&ids[cut..]));
            prop_assert_eq!(&one, &two);
            ids.sort_unstable();
            let mut three = CountedFills::keeping(20);
            three.extend(fills(&ids));
            prop_assert_eq!(one, three);
        }
    }

    #[test]
    fn it_never_grows() {
        let mut counted = CountedFills::default();
        let room = counted.side(Side::Buy).capacity();
        for id in 0..3 * CountedFills::MOST as u64 {
            assert!(counted.insert(Side::Buy, FillId(id)));
        }
        assert_eq!(counted.side(Side::Buy).len(), CountedFills::MOST);
        assert_eq!(counted.side(Side::Buy).capacity(), room);
        assert!(!counted.insert(Side::Buy, FillId(0)), "long ago");
        assert!(counted.insert(Side::Sell, FillId(0)), "the other side");
    }

    #[test]
    fn it_is_written_as_a_list() {
        let counted: CountedFills =
            [(Side::Sell, FillId(3)), (Side::Buy, FillId(9)), (Side::Sell, FillId(1))].into_iter().collect();
        let text = serde_json::to_string(&counted).unwrap();
        assert_eq!(serde_json::from_str::<CountedFills>(&text).unwrap(), counted);
        let list: Vec<(Side, FillId)> = serde_json::from_str(&text).unwrap();
        assert_eq!(list, [(Side::Buy, FillId(9)), (Side::Sell, FillId(1)), (Side::Sell, FillId(3))]);
    }
}
