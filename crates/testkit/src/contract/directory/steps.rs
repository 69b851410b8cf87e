//! Words that the cases of the directory contract are told in.

use std::fmt::Debug;

use throng_core::directory::{Credence, Directory};
use throng_core::error::{DirectoryError, Fault};
use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::page::PageRequest;
use throng_core::user::User;

use super::world::{group_name, secret, username};

/// The answer of a call that must not fail.
#[track_caller]
pub(super) fn done<T>(answer: Result<T, DirectoryError>) -> T {
    answer.expect("the directory does what it documents")
}

/// The fault of a call that must fail.
#[track_caller]
pub(super) fn fault<T: Debug>(answer: Result<T, DirectoryError>) -> Fault {
    answer.expect_err("the directory refuses what it documents").fault()
}

pub(super) async fn find(directory: &dyn Directory, name: &str) -> Option<User> {
    done(directory.user(&username(name)).await)
}

pub(super) async fn find_group(directory: &dyn Directory, name: &str) -> Option<Group> {
    done(directory.group(&group_name(name)).await)
}

pub(super) async fn all_users(directory: &dyn Directory) -> Vec<User> {
    let page = directory.find_users(&Filter::everything(), &PageRequest::default()).await;
    done(page).items
}

pub(super) async fn all_groups(directory: &dyn Directory) -> Vec<Group> {
    let page = directory.find_groups(&Filter::everything(), &PageRequest::default()).await;
    done(page).items
}

pub(super) async fn parents(directory: &dyn Directory, member: &Member) -> Vec<String> {
    let page = done(directory.parents_of(member, &PageRequest::default()).await);
    page.items.iter().map(ToString::to_string).collect()
}

pub(super) async fn children(directory: &dyn Directory, group: &str) -> Vec<String> {
    let page = directory.children_of(&group_name(group), &PageRequest::default()).await;
    done(page).items.iter().map(ToString::to_string).collect()
}

pub(super) async fn log_in(directory: &dyn Directory, name: &str, password: &str) -> Credence {
    done(directory.authenticate(&username(name), &secret(password)).await)
}
