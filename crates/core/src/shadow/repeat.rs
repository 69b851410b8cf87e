use std::collections::HashMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Digests of values, eight bytes each, by which those that repeat are found without holding any.
///
/// 1. Two readings: the first notes everything; the second, a [`Gathering`], holds only what repeats.
/// 2. A digest has 48 bits, and the place of the value is kept beside it in 16. Values that share a digest by chance
///    are told apart in the second reading: they cost memory and never a wrong answer.
#[derive(Debug, Default)]
pub struct Digests(Vec<u64>);

impl Digests {
    /// Notes a value, and in which place it was.
    pub fn note(&mut self, value: &str, place: u16) {
        self.0.push(digest(value) | u64::from(place));
    }

    /// The digests that were noted in two places at least.
    pub fn in_several_places(self) -> Repeated {
        self.select(|run| run.first() != run.last())
    }

    /// The digests that were noted twice at least, wherever.
    pub fn more_than_once(self) -> Repeated {
        self.select(|run| run.len() > 1)
    }

    fn select(mut self, repeats: impl Fn(&[u64]) -> bool) -> Repeated {
        self.0.sort_unstable();
        let runs = self.0.chunk_by(|a, b| a & DIGEST == b & DIGEST).filter(|run| repeats(run));
        let wanted = runs.filter_map(|run| {
            let notes = u32::try_from(run.len()).unwrap_or(u32::MAX);
            run.first().map(|first| Wanted { digest: first & DIGEST, notes })
        });
        Repeated(wanted.collect())
    }
}

/// Digests of values that repeat, with how often they were noted.
#[derive(Debug)]
pub struct Repeated(Vec<Wanted>);

impl Repeated {
    /// Whether nothing repeats.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many digests repeat.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    digest: u64,
    notes: u32,
}

/// A second reading, which puts together what has a value that repeats.
///
/// 1. A value is handed over as soon as all of it was heard that the first reading noted, so that little is held where
///    what belongs together comes close together.
/// 2. At most the limit of items is held, or what belongs to one digest. What does not fit is put off:
///    [`Gathering::end`] gives back what a further reading has to gather.
/// 3. Of one value [`Gathering::MOST_ITEMS`] items are kept, the first; the others are counted.
/// 4. What changed between the readings may be missing or heard in part; the caller looks at what is handed over.
#[derive(Debug)]
pub struct Gathering<T> {
    wanted: Vec<Wanted>,
    fates: Vec<Fate>,
    open: HashMap<usize, Open<T>>,
    held: usize,
    limit: usize,
}

/// Everything that was heard of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered<T> {
    /// The value.
    pub value: String,
    /// What has it, in the order in which it was heard; at most [`Gathering::MOST_ITEMS`].
    pub items: Vec<T>,
    /// How many have it.
    pub count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unheard,
    Open,
    Done,
    PutOff,
}

#[derive(Debug)]
struct Open<T> {
    missing: u32,
    /// More than one only where values share a digest.
    values: Vec<Gathered<T>>,
}

impl<T> Gathering<T> {
    /// Most items that are kept of one value: more than anybody reads.
    pub const MOST_ITEMS: usize = 1_000;

    /// Begins to gather what repeats, holding `limit` items at most.
    pub fn of(repeated: Repeated, limit: usize) -> Self {
        let fates = vec![Fate::Unheard; repeated.0.len()];
        Self { wanted: repeated.0, fates, open: HashMap::new(), held: 0, limit }
    }

    /// Hears of a value and of what has it; hands over what is complete by that. `item` is made only if it is held.
    pub fn hear(&mut self, value: &str, item: impl FnOnce() -> T) -> Vec<Gathered<T>> {
        let sought = digest(value);
        let Ok(at) = self.wanted.binary_search_by_key(&sought, |wanted| wanted.digest) else {
            return Vec::new();
        };
        let (Some(wanted), Some(fate)) = (self.wanted.get(at), self.fates.get_mut(at)) else {
            return Vec::new();
        };
        // Room for all of it is taken at once, so that what is begun can be ended.
        let room = usize::try_from(wanted.notes).unwrap_or(usize::MAX).min(Self::MOST_ITEMS);
        match fate {
            Fate::Done | Fate::PutOff => return Vec::new(),
            Fate::Unheard if self.held > 0 && self.held + room > self.limit => {
                *fate = Fate::PutOff;
                return Vec::new();
            }
            Fate::Unheard => {
                *fate = Fate::Open;
                self.held += room;
            }
            Fate::Open => {}
        }
        let open = self.open.entry(at).or_insert_with(|| Open { missing: wanted.notes, values: Vec::new() });
        open.hear(value, item);
        if open.missing > 0 {
            return Vec::new();
        }
        *fate = Fate::Done;
        self.held -= room;
        self.open.remove(&at).map(|open| open.values).unwrap_or_default()
    }

    /// Ends the reading: what was heard in part, and what a further reading has to gather.
    ///
    /// A further reading is never asked for in vain: each hands over at least one value that the next one leaves out.
    pub fn end(self) -> (Vec<Gathered<T>>, Repeated) {
        let mut open: Vec<(usize, Open<T>)> = self.open.into_iter().collect();
        open.sort_unstable_by_key(|(at, _)| *at);
        let partial = open.into_iter().flat_map(|(_, open)| open.values).collect();
        let put_off = self.wanted.into_iter().zip(self.fates).filter(|(_, fate)| *fate == Fate::PutOff);
        (partial, Repeated(put_off.map(|(wanted, _)| wanted).collect()))
    }
}

impl<T> Open<T> {
    fn hear(&mut self, value: &str, item: impl FnOnce() -> T) {
        self.missing = self.missing.saturating_sub(1);
        match self.values.iter_mut().find(|gathered| gathered.value == value) {
            Some(gathered) => {
                gathered.count += 1;
                if gathered.items.len() < Gathering::<T>::MOST_ITEMS {
                    gathered.items.push(item());
                }
            }
            None => {
                self.values.push(Gathered { value: value.to_owned(), items: vec![item()], count: 1 });
            }
        }
    }
}

/// The bits of a note that are the digest.
const DIGEST: u64 = !0xffff;

fn digest(value: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(value.as_bytes());
    hasher.finish() & DIGEST
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn noted(notes: &[(u8, u16)]) -> Digests {
        let mut digests = Digests::default();
        for (value, place) in notes {
            digests.note(&value.to_string(), *place);
        }
        digests
    }

    /// What readings over all of the notes hand over, and how many it took; no more is held than is said.
    fn gather(
        mut repeated: Repeated,
        notes: &[(u8, u16)],
        limit: usize,
    ) -> (BTreeMap<String, Vec<u16>>, usize) {
        let (mut all, mut readings) = (BTreeMap::new(), 0);
        while !repeated.is_empty() {
            readings += 1;
            let (before, mut gathering) = (repeated.len(), Gathering::of(repeated, limit));
            let of_one = |value: u8| notes.iter().filter(|(other, _)| *other == value).count();
            let most = (0..20).map(of_one).max().unwrap_or(0).max(limit);
            for (value, place) in notes {
                let done = gathering.hear(&value.to_string(), || *place);
                let held =
                    gathering.open.values().flat_map(|open| &open.values).map(|value| value.items.len());
                assert!(held.sum::<usize>() <= most);
                for gathered in done {
                    assert_eq!(all.insert(gathered.value, gathered.items), None, "each value once");
                }
            }
            let (partial, put_off) = gathering.end();
            assert_eq!(partial, [], "nothing changed between the readings");
            assert!(put_off.len() < before, "each reading gets on");
            repeated = put_off;
        }
        (all, readings)
    }

    proptest! {
        #[test]
        fn exactly_what_repeats_is_gathered_however_little_is_held(
            notes in prop::collection::vec((0_u8..20, 0_u16..4), 0..60),
            limit in 1_usize..40,
        ) {
            let mut expected: BTreeMap<String, Vec<u16>> = BTreeMap::new();
            for (value, place) in &notes {
                expected.entry(value.to_string()).or_default().push(*place);
            }
            let several = |places: &Vec<u16>| places.iter().collect::<BTreeSet<_>>().len() > 1;
            let mut across = expected.clone();
            across.retain(|_, places| several(places));
            prop_assert_eq!(gather(noted(&notes).in_several_places(), &notes, limit).0, across);
            expected.retain(|_, places| places.len() > 1);
            prop_assert_eq!(gather(noted(&notes).more_than_once(), &notes, limit).0, expected);
        }
    }

    #[test]
    fn what_comes_close_together_is_held_for_a_moment_only() {
        let notes: Vec<(u8, u16)> = (0..200).flat_map(|value| [(value, 0), (value, 1)]).collect();
        assert_eq!(gather(noted(&notes).in_several_places(), &notes, 1).1, 1);
    }

    #[test]
    fn of_a_value_that_everybody_has_the_first_are_kept_and_the_others_counted() {
        let notes: Vec<(u8, u16)> = (0..2_500).map(|n| (1, n % 2)).collect();
        let mut gathering = Gathering::of(noted(&notes).in_several_places(), 10);
        let done: Vec<_> =
            notes.iter().flat_map(|(value, place)| gathering.hear(&value.to_string(), || *place)).collect();
        let [everybody] = done.as_slice() else { panic!("one value") };
        assert_eq!((everybody.items.len(), everybody.count), (1_000, 2_500));
    }

    #[test]
    fn values_that_share_a_digest_are_told_apart() {
        let (limit, shared) = (10, digest("a"));
        let mut gathering = Gathering::of(Repeated(vec![Wanted { digest: shared, notes: 2 }]), limit);
        gathering.open.insert(
            0,
            Open { missing: 1, values: vec![Gathered { value: "b".into(), items: vec![7], count: 1 }] },
        );
        gathering.fates[0] = Fate::Open;
        gathering.held = 2;
        let done = gathering.hear("a", || 8);
        assert_eq!(done.iter().map(|gathered| &*gathered.value).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(gathering.held, 0);
    }

    #[test]
    fn what_vanished_meanwhile_is_told_in_part() {
        let mut gathering = Gathering::of(noted(&[(1, 0), (1, 1)]).in_several_places(), 10);
        assert_eq!(gathering.hear("1", || 0), []);
        let (partial, put_off) = gathering.end();
        assert_eq!(partial, [Gathered { value: "1".into(), items: vec![0], count: 1 }]);
        assert!(put_off.is_empty());
    }
}
