//! How the seats of a plan stand to a write: what each holds, may and can.

use throng_core::group::{Group, Member};
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::page::PageRequest;
use throng_core::resolve::Answer;
use throng_core::route::{MemberStanding, Presence, Standing};
use throng_core::user::User;

use super::Application;
use crate::ask::{advance, hear};
use crate::config::InUse;
use crate::directory::{Mount, Via};
use crate::error::Error;

impl Application {
    /// How each seat stands to a user's name.
    pub(super) async fn user_standings(&self, app: &InUse, name: &Username) -> Result<Vec<Standing>, Error> {
        Ok(standings(app, &self.user_answers(app, name).await?))
    }

    /// How each seat stands to a group's name, with the groups that there are.
    pub(super) async fn group_standings(
        &self,
        app: &InUse,
        name: &GroupName,
    ) -> Result<(Vec<Standing>, Vec<Answer<Group>>), Error> {
        let answers = self.group_answers(app, name).await?;
        Ok((standings(app, &answers), answers))
    }

    /// How each seat stands to a membership, with the groups that there are.
    pub(super) async fn member_standings(
        &self,
        app: &InUse,
        member: &Member,
        group: &GroupName,
    ) -> Result<(Vec<MemberStanding>, Vec<Answer<Group>>), Error> {
        let seats = match member {
            Member::User(name) => self.user_standings(app, name).await?,
            Member::Group(name) => self.group_standings(app, name).await?.0,
        };
        let groups = self.group_answers(app, group).await?;
        let mut all = Vec::with_capacity(seats.len());
        for ((seat, answer), (_, _, mount)) in seats.into_iter().zip(&groups).zip(app.seats()) {
            let group_there = presence(answer);
            let both = seat.holds == Presence::Holds && group_there == Presence::Holds;
            let direct = both && self.is_direct(mount, seat.directory, member, group).await?;
            all.push(MemberStanding { seat, group: group_there, direct });
        }
        Ok((all, groups))
    }

    async fn user_answers(&self, app: &InUse, name: &Username) -> Result<Vec<Answer<User>>, Error> {
        let located = self.throng.0.store.locate(self.id, name.key()).await?;
        let mut holders = located.users.into_iter().map(|holder| (holder.directory, holder.user)).collect();
        let mut answers = Vec::with_capacity(app.mounts.len());
        for seat in app.plan.seats() {
            answers.push(self.ask_user(app, seat.directory, name, &mut holders).await?);
        }
        Ok(answers)
    }

    async fn group_answers(&self, app: &InUse, name: &GroupName) -> Result<Vec<Answer<Group>>, Error> {
        let mut holders = self.throng.0.store.locate_groups(name.key()).await?;
        let mut answers = Vec::with_capacity(app.mounts.len());
        for seat in app.plan.seats() {
            answers.push(self.ask_group(app, seat.directory, name, &mut holders).await?);
        }
        Ok(answers)
    }

    async fn is_direct(
        &self,
        mount: &Mount,
        directory: DirectoryId,
        member: &Member,
        group: &GroupName,
    ) -> Result<bool, Error> {
        let mut request = PageRequest::default();
        loop {
            let page = match &mount.via {
                Via::Live(live) => {
                    let heard =
                        hear(self.throng.0.deadline, directory, live.parents_of(member, &request)).await?;
                    heard.or_unavailable(directory)?
                }
                _ => self.throng.0.store.parents(directory, member, &request).await?,
            };
            if page.items.contains(group) {
                return Ok(true);
            }
            match page.next {
                Some(next) if next < *group.key() => request = advance(&request, next)?,
                _ => return Ok(false),
            }
        }
    }

    /// The stored directories of the plan whose rank passes, for the precondition of a write in the store.
    pub(super) fn stored_where(&self, app: &InUse, keep: impl Fn(usize) -> bool) -> Vec<DirectoryId> {
        app.seats()
            .filter(|(rank, _, mount)| mount.stored().is_some() && keep(*rank))
            .map(|(_, seat, _)| seat.directory)
            .collect()
    }
}

fn standings<T>(app: &InUse, answers: &[Answer<T>]) -> Vec<Standing> {
    app.seats()
        .zip(answers)
        .map(|((rank, seat, mount), answer)| Standing {
            directory: seat.directory,
            may: app.permissions(rank),
            can: mount.abilities(),
            holds: presence(answer),
        })
        .collect()
}

fn presence<T>(answer: &Answer<T>) -> Presence {
    match answer {
        Answer::Holds(_) | Answer::Refuses(_) => Presence::Holds,
        Answer::Lacks => Presence::Lacks,
        Answer::Silent(_) => Presence::Silent,
    }
}
