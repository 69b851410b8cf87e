//! What `throng apply` changes of something that is there: what stands, and what will.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use throng::core::consumer::Network;
use throng::core::id::Id;
use throng::core::name::GroupName;
use throng::core::registry::{DirectoryKind, Label};
use throng::{Seat, Throng};

use super::apply::{Difference, present};
use super::{At, Mirror, Order};
use crate::failure::Failure;
use crate::output::{Row, yes_or_no};
use crate::place::Names;
use crate::seat::{admitted, policy, which_memberships};

/// Something that changes.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    what: &'static str,
    /// The directory whose seat it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    /// What stands; none for a seat that is new.
    before: Value,
    after: Value,
    #[serde(skip)]
    words: [String; 2],
}

impl Row for Changed {
    const SEVERAL: &'static str = "changes";
    const COLUMNS: &'static [&'static str] = &["what", "now", "then"];

    fn cells(&self) -> Vec<String> {
        let what = match &self.directory {
            Some(directory) => format!("{}: {}", directory, self.what),
            None => self.what.to_owned(),
        };
        let [before, after] = self.words.clone();
        vec![what, before, after]
    }
}

impl Changed {
    /// A change with the words for each of its sides; nothing where both sides are alike.
    fn of<T: Serialize + PartialEq>(
        what: &'static str,
        directory: Option<&str>,
        [before, after]: [Option<T>; 2],
        words: impl Fn(&T) -> String,
    ) -> Option<Self> {
        let spelled = |side: &Option<T>| side.as_ref().map(&words).unwrap_or_default();
        (before != after).then(|| Self {
            what,
            directory: directory.map(str::to_owned),
            words: [spelled(&before), spelled(&after)],
            before: value(&before),
            after: value(&after),
        })
    }
}

/// A value as programs read it. What has no JSON would be told in words only.
fn value(what: &impl Serialize) -> Value {
    serde_json::to_value(what).unwrap_or_default()
}

impl Difference<'_> {
    /// What of it changes; nothing where the step makes something.
    pub(super) fn changes(&self, throng: &Throng) -> Result<Vec<Changed>, Failure> {
        match self {
            Self::NewDirectory(_) | Self::NewMirror(_) | Self::NewApplication(_) => Ok(Vec::new()),
            Self::MirrorSettings(mirror) => Ok(mirror.changed_settings(throng)),
            Self::Plan(order) => order.changed_plan(throng),
            Self::Rest(order) => order.changed_rest(throng),
        }
    }
}

impl Mirror {
    fn changed_settings(&self, throng: &Throng) -> Vec<Changed> {
        let Ok(record) = throng.directory(self.name.value.as_str()) else { return Vec::new() };
        let DirectoryKind::Mirrored(former) = &record.kind else { return Vec::new() };
        let wanted = self.over(former);
        let word = |value: &Value| match value {
            Value::String(word) => word.clone(),
            value => value.to_string(),
        };
        let sides = |before: Value, after: Value| [Some(before), Some(after)];
        [
            ("writes", sides(value(&former.writes), value(&wanted.writes))),
            ("local groups", sides(value(&former.local_groups), value(&wanted.local_groups))),
            ("schedule", sides(value(&former.schedule), value(&wanted.schedule))),
            ("handed on", sides(value(&former.export), value(&wanted.export))),
        ]
        .into_iter()
        .filter_map(|(what, sides)| Changed::of(what, None, sides, word))
        .collect()
    }
}

impl Order {
    fn changed_plan(&self, throng: &Throng) -> Result<Vec<Changed>, Failure> {
        let Some(present) = present(throng, self) else { return Ok(Vec::new()) };
        let (names, wanted) = (Names::of(throng)?, self.wanted(throng, &present.plan));
        // Directories that are not there yet are in no plan.
        let spelled = |name: &At<Label>| match throng.directory(name.value.as_str()) {
            Ok(record) => record.name.to_string(),
            Err(_) => name.value.to_string(),
        };
        let then: Vec<String> = self.order.iter().map(spelled).collect();
        let asked = present.plan.seats().iter();
        let before: Vec<String> = asked.map(|seat| names.directory(seat.directory)).collect();
        let mut changes: Vec<Changed> = Vec::new();
        changes.extend(Changed::of("order", None, [Some(before), Some(then)], |order| order.join(", ")));
        let memberships = [Some(present.plan.memberships()), Some(wanted.memberships())];
        changes.extend(Changed::of("memberships that count", None, memberships, |scheme| {
            which_memberships(*scheme).to_owned()
        }));
        let former: BTreeMap<_, _> = present.plan.seats().iter().map(|seat| (seat.directory, seat)).collect();
        for name in &self.order {
            let known = throng.directory(name.value.as_str()).ok().map(|record| record.id);
            let was = known.and_then(|id| former.get(&id));
            let after = wanted.seats().iter().find(|seat| Some(seat.directory) == known);
            let after = after.cloned().unwrap_or_else(|| {
                // Which directory it is makes no difference to what the file says about it.
                let policy = present.plan.rules().seat_policy;
                self.said_over(&name.value, Seat { policy, ..Seat::new(Id::from_bytes([0; 16])) })
            });
            let label = Some(name.value.as_str());
            let access = [was.map(|seat| seat.access.clone()), Some(after.access)];
            changes.extend(Changed::of("admits", label, access, admitted));
            let rules = [was.map(|seat| seat.policy), Some(after.policy)];
            changes.extend(Changed::of("policy", label, rules, policy));
        }
        Ok(changes)
    }

    fn changed_rest(&self, throng: &Throng) -> Result<Vec<Changed>, Failure> {
        let application = throng.application(self.name.value.as_str())?;
        let (record, addresses) = (application.record()?, application.addresses()?);
        let active = [Some(record.active), Some(self.active.unwrap_or(record.active))];
        let groups = self.administrators.clone().unwrap_or_else(|| record.administrators.clone());
        let groups = [Some(record.administrators), Some(groups)];
        let from = [Some(addresses.clone()), Some(self.addresses.clone().unwrap_or(addresses))];
        let joined =
            |groups: &Vec<GroupName>| groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", ");
        let networks =
            |networks: &Vec<Network>| networks.iter().map(Network::to_string).collect::<Vec<_>>().join(", ");
        let changes = [
            Changed::of("active", None, active, |is_active| yes_or_no(*is_active)),
            Changed::of("administrators", None, groups, joined),
            Changed::of("may ask from", None, from, networks),
        ];
        Ok(changes.into_iter().flatten().collect())
    }
}
