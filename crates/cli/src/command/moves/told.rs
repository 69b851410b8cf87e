//! Moves in tables.

use std::collections::BTreeMap;

use serde::Serialize;
use throng::core::name::GroupName;
use throng::moves::{
    Block, Capability, Landing, Mismatch, Move, MoveCounts, MoveId, MovePlan, MoveReport, Note, Obstacle,
    PlannedOrder, PlannedUser, Skip, Source,
};
use throng::preview::Totals;
use throng::{Access, Throng};

use crate::failure::{Code, Failure};
use crate::output::{Output, Row, note};
use crate::place::Names;

/// How many people are listed unless everybody is asked for.
const FIRST: usize = 20;

/// A plan, for programs.
#[derive(Serialize)]
struct Planned<'p> {
    is_clear: bool,
    obstacles: &'p [Obstacle],
    /// The obstacles in words.
    in_the_way: Vec<String>,
    capabilities: &'p [Capability],
    groups: Vec<&'p str>,
    orders: &'p [PlannedOrder],
    users: &'p [PlannedUser],
}

/// How many users something becomes of.
#[derive(Serialize)]
struct Count {
    what: String,
    number: u64,
}

impl Row for Count {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["what", "number"];

    fn cells(&self) -> Vec<String> {
        vec![self.what.clone(), self.number.to_string()]
    }
}

/// A user of a plan.
#[derive(Serialize)]
struct Planning {
    name: String,
    account: String,
    password: String,
    notes: String,
}

impl Row for Planning {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["user", "account", "password", "worth knowing"];

    fn cells(&self) -> Vec<String> {
        let Self { name, account, password, notes } = self;
        [name, account, password, notes].map(Clone::clone).to_vec()
    }
}

/// Tells what a move will do: totals first, then who.
pub(super) fn plan(throng: &Throng, plan: &MovePlan, all: bool, output: &Output) -> Result<(), Failure> {
    let names = Names::of(throng)?;
    let spelled = |obstacle: &Obstacle| names.spelled(&obstacle.to_string());
    let in_the_way: Vec<String> = plan.obstacles.iter().map(spelled).collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for PlannedUser { fate, .. } in &plan.users {
        let account = landing(&fate.landing, &names);
        *counts.entry(format!("account: {account}")).or_default() += 1;
        if fate.is_moved() {
            *counts.entry(format!("password: {}", fate.password)).or_default() += 1;
        }
    }
    let users = u64::try_from(plan.users.len()).unwrap_or(u64::MAX);
    let groups = u64::try_from(plan.groups.len()).unwrap_or(u64::MAX);
    let totals = [("users".to_owned(), users), ("groups that go along".to_owned(), groups)];
    let totals = totals.into_iter().chain(counts).map(|(what, number)| Count { what, number });
    output.table(&totals.collect::<Vec<_>>())?;
    for order in &plan.orders {
        let after: Vec<String> = order.after.iter().map(|id| names.directory(*id)).collect();
        output.words(&format_args!("{:?} will ask in this order: {}", order.name, after.join(", ")))?;
        if let Some(access) = &order.opens {
            let target = names.directory(plan.request().target);
            let whom = access_words(access);
            output.words(&format_args!(
                "  {target:?} is added to it, and opens {:?} to {whom} there",
                order.name
            ))?;
        }
        output.words(&format_args!("  {}", consequences(&order.totals)))?;
    }
    let shown = if all { plan.users.len() } else { FIRST.min(plan.users.len()) };
    let people = plan.users.iter().take(shown).map(|user| Planning {
        name: user.name.as_str().to_owned(),
        account: landing(&user.fate.landing, &names),
        password: if user.fate.is_moved() { user.fate.password.to_string() } else { String::new() },
        notes: user.fate.notes.iter().map(|told| worth(told, &names)).collect::<Vec<_>>().join("\n"),
    });
    output.table(&people.collect::<Vec<_>>())?;
    if shown < plan.users.len() {
        let left = plan.users.len() - shown;
        output.words(&format_args!("and {left} more; `--all` lists everybody"))?;
    }
    for obstacle in &in_the_way {
        note(&format_args!("in the way: {obstacle}"));
    }
    output.value(&Planned {
        is_clear: plan.is_clear(),
        obstacles: &plan.obstacles,
        in_the_way,
        capabilities: &plan.capabilities,
        groups: plan.groups.iter().map(|group| group.name.as_str()).collect(),
        orders: &plan.orders,
        users: &plan.users,
    })
}

/// Whom an application admits.
fn access_words(access: &Access) -> String {
    match access {
        Access::Everyone => "everybody".to_owned(),
        Access::Groups(groups) => {
            let groups: Vec<&str> = groups.iter().map(GroupName::as_str).collect();
            format!("the members of {}", groups.join(", "))
        }
    }
}

/// What an order alone changes.
fn consequences(totals: &Totals) -> String {
    let counts = [
        (totals.owners, "names would mean another account"),
        (totals.access, "would be admitted otherwise"),
        (totals.groups, "would be in other groups"),
        (totals.locked_out, "would be locked out"),
        (totals.to_adopt, "would have to be adopted"),
    ];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if told.is_empty() {
        return "by the order alone, nothing changes for anybody who is there now".to_owned();
    }
    format!("by the order alone: {}", told.join(", "))
}

fn landing(landing: &Landing, names: &Names) -> String {
    match landing {
        Landing::Made => "made in the target".to_owned(),
        Landing::Linked(_) => "becomes one with its namesake".to_owned(),
        Landing::Skipped(Skip::NameTaken) => "stays: the name is taken".to_owned(),
        Landing::Skipped(Skip::Impossible(why)) => format!("stays: {why}"),
        Landing::Blocked(Block::NameTaken(_)) => "in the way: the name is taken".to_owned(),
        Landing::Blocked(Block::Shadowed(application, directory)) => format!(
            "in the way: in {:?} its name would mean somebody in {:?}",
            names.application(*application),
            names.directory(*directory)
        ),
    }
}

fn worth(told: &Note, names: &Names) -> String {
    match told {
        Note::IsActing => "this is who asks for the move: sessions end".to_owned(),
        Note::AliasLost(application, alias) => {
            format!("loses the other name {alias:?} in {:?}", names.application(*application))
        }
        Note::NestingLost(group) => format!("what the group {:?} grants is lost", group.as_str()),
        Note::Inactive => "its namesake in the target may not log in".to_owned(),
        Note::NotAdmitted(application) => format!("{:?} admits it no more", names.application(*application)),
        Note::Overtakes(application, directory) => format!(
            "in {:?} its name means somebody in {:?} today",
            names.application(*application),
            names.directory(*directory)
        ),
        Note::NameOfAnother(application, _) => {
            format!("its name belongs to another account in {:?}", names.application(*application))
        }
    }
}

/// A move in the list.
#[derive(Serialize)]
struct Listed {
    id: MoveId,
    state: String,
    from: String,
    to: String,
    whom: String,
    users: u64,
    began: String,
    changed: String,
}

impl Listed {
    fn of(record: &Move, names: &Names) -> Self {
        Self {
            id: record.id,
            state: record.state.to_string(),
            from: match &record.source {
                Source::Directory(directory) => names.directory(*directory),
                Source::File(file) => file.clone(),
            },
            to: names.directory(record.target),
            whom: record.selection.clone(),
            users: record.users,
            began: record.began_at.to_string(),
            changed: record.changed_at.to_string(),
        }
    }
}

impl Row for Listed {
    const SEVERAL: &'static str = "moves";
    const COLUMNS: &'static [&'static str] = &["move", "state", "from", "to", "whom", "users", "began"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.state.clone(),
            self.from.clone(),
            self.to.clone(),
            self.whom.clone(),
            self.users.to_string(),
            self.began.clone(),
        ]
    }
}

pub(super) async fn list(throng: &Throng, output: &Output) -> Result<(), Failure> {
    let names = Names::of(throng)?;
    output.list(&throng.moves().await?.iter().map(|record| Listed::of(record, &names)).collect::<Vec<_>>())
}

/// A move with what became of its users, for programs.
#[derive(Serialize)]
struct Reported<'r> {
    #[serde(flatten)]
    listed: Listed,
    counts: MoveCounts,
    failed: Vec<Stayed<'r>>,
    /// Accounts that wait for their password, and until when the first of them does.
    waiting: usize,
    waiting_until: Option<String>,
    /// The first of them, by name.
    pending: Vec<Pending<'r>>,
    /// Users who cannot log in before a new password is set.
    closed: Vec<Closed<'r>>,
    /// The orders that the move concerns, as they are now.
    orders: Vec<Asking>,
}

/// An order that a move concerns, as it is now: the move waits for everybody, and somebody may have changed it since.
#[derive(Serialize)]
struct Asking {
    application: String,
    asks: Vec<String>,
}

fn standing(throng: &Throng, record: &Move, names: &Names) -> Result<Vec<Asking>, Failure> {
    let mut orders = Vec::new();
    for application in throng.applications() {
        if record.orders.iter().any(|order| order.application == application.id()) {
            let plan = application.record()?.plan;
            let asks = plan.seats().iter().map(|seat| names.directory(seat.directory)).collect();
            orders.push(Asking { application: names.application(application.id()), asks });
        }
    }
    Ok(orders)
}

/// Somebody whose password comes with the next login.
#[derive(Serialize)]
struct Pending<'r> {
    name: &'r str,
    /// Afterwards a new password must be set.
    until: String,
}

impl Row for Pending<'_> {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["password comes with the next login of", "until"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.until.clone()]
    }
}

/// Somebody who was moved and cannot log in before a new password is set.
#[derive(Serialize)]
struct Closed<'r> {
    name: &'r str,
    password: String,
}

impl Row for Closed<'_> {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["cannot log in", "password"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.password.clone()]
    }
}

/// Somebody who stayed because something went wrong.
#[derive(Serialize)]
struct Stayed<'r> {
    name: &'r str,
    why: &'r str,
}

impl Row for Stayed<'_> {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["user", "stayed because"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.why.to_owned()]
    }
}

pub(super) async fn report(throng: &Throng, id: MoveId, output: &Output) -> Result<MoveCounts, Failure> {
    let (report, names) = (throng.move_report(id).await?, Names::of(throng)?);
    let listed = Listed::of(&report.record, &names);
    output.table(std::slice::from_ref(&listed))?;
    let MoveCounts { waiting, moved, skipped, failed, reverted, pending, quarantined, reset } = report.counts;
    let counts = [
        ("moved", moved),
        ("stayed, as planned", skipped),
        ("stayed, because something went wrong", failed),
        ("put back", reverted),
        ("not dealt with yet", waiting),
        ("password comes with the next login", pending),
        ("password cannot be checked", quarantined),
        ("password must be set anew", reset),
    ];
    let counts = counts.into_iter().filter(|(_, number)| *number > 0);
    output
        .table(&counts.map(|(what, number)| Count { what: what.to_owned(), number }).collect::<Vec<_>>())?;
    let failed: Vec<Stayed<'_>> =
        report.failed.iter().map(|(name, why)| Stayed { name: name.as_str(), why }).collect();
    if !failed.is_empty() {
        output.table(&failed)?;
    }
    let closed: Vec<Closed<'_>> = report
        .closed
        .iter()
        .map(|(name, fate)| Closed { name: name.as_str(), password: fate.to_string() })
        .collect();
    if !closed.is_empty() {
        output.table(closed.get(..FIRST).unwrap_or(&closed))?;
        if closed.len() > FIRST {
            output.words(&format_args!("and {} more; `--json` lists them", closed.len() - FIRST))?;
        }
    }
    let orders = standing(throng, &report.record, &names)?;
    for order in &orders {
        output.words(&format_args!(
            "{:?} asks in this order: {}",
            order.application,
            order.asks.join(", ")
        ))?;
    }
    let pending: Vec<Pending<'_>> = report
        .pending
        .iter()
        .map(|capture| Pending { name: capture.name.as_str(), until: capture.until.to_string() })
        .collect();
    if !pending.is_empty() {
        let told = pending.get(..FIRST).unwrap_or(&pending);
        output.table(told)?;
        let left = report.counts.pending.saturating_sub(u64::try_from(told.len()).unwrap_or(u64::MAX));
        if left > 0 {
            output.words(&format_args!(
                "and {left} more; `--json` lists the first {}",
                MoveReport::MOST_LISTED
            ))?;
        }
    }
    let waiting_until = report.pending.iter().map(|capture| capture.until).min();
    output.value(&Reported {
        listed,
        counts: report.counts,
        failed,
        waiting: report.pending.len(),
        waiting_until: waiting_until.map(|moment| moment.to_string()),
        pending,
        closed,
        orders,
    })?;
    Ok(report.counts)
}

/// What is wrong with a user.
#[derive(Serialize)]
struct IsWrong<'w> {
    name: &'w str,
    what: String,
}

impl Row for IsWrong<'_> {
    const SEVERAL: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["user", "what is wrong"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.what.clone()]
    }
}

/// What a verification found, for programs.
#[derive(Serialize)]
struct Verified<'v> {
    id: MoveId,
    wrong: Vec<IsWrong<'v>>,
}

pub(super) fn verified(id: MoveId, wrong: &[Mismatch], output: &Output) -> Result<(), Failure> {
    let wrong = wrong.iter().map(|found| IsWrong { name: found.name.as_str(), what: found.what.to_string() });
    let verified = Verified { id, wrong: wrong.collect() };
    if verified.wrong.is_empty() {
        output.words(&"everybody is as the move left them")?;
    } else {
        output.table(&verified.wrong)?;
    }
    output.value(&verified)
}

/// The state of a move, for programs.
#[derive(Serialize)]
struct Stands {
    id: MoveId,
    state: String,
}

pub(super) fn stands(record: &Move, output: &Output) -> Result<Code, Failure> {
    let stands = Stands { id: record.id, state: record.state.to_string() };
    output.answer(&format_args!("the move {} is {}", stands.id, stands.state), &stands)?;
    Ok(Code::Done)
}
