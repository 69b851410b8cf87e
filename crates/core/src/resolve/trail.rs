use std::fmt;
use std::sync::Arc;

use crate::directory::Refusal;
use crate::id::DirectoryId;
use crate::plan::{AsOf, Plan};
use crate::resolve::answer::{Answer, Memory};

/// What was asked and what was said, in the order of the plan.
///
/// Kept small while nobody reads it: the plan is shared, and a seat costs a line only when the trail is read.
#[derive(Clone)]
pub struct Trail {
    plan: Arc<Plan>,
    heard: Heard,
}

#[derive(Clone)]
enum Heard {
    /// What each asked seat said, from the first on.
    Walk(Vec<Said>),
    /// The seats that hold the name, least rank first, in a plan where each other seat lacks it.
    Ranked(Vec<u8>),
}

impl Trail {
    pub(super) fn walked(plan: Arc<Plan>, said: Vec<Said>) -> Self {
        Self { plan, heard: Heard::Walk(said) }
    }

    pub(super) fn ranked(plan: Arc<Plan>, holders: Vec<u8>) -> Self {
        Self { plan, heard: Heard::Ranked(holders) }
    }

    /// The plan that was followed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// One line for each seat of the plan.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let seats = self.plan.seats().iter().enumerate();
        seats
            .map(|(rank, seat)| Line {
                rank,
                directory: seat.directory,
                label: &seat.label,
                as_of: seat.as_of,
                said: match &self.heard {
                    Heard::Walk(said) => said.get(rank).copied().unwrap_or(Said::NotAsked),
                    Heard::Ranked(holders) => said_of_rank(rank, holders.first()),
                },
            })
            .collect()
    }

    /// The directories that were silent.
    pub fn silent(&self) -> Vec<DirectoryId> {
        let lines = self.lines().into_iter();
        lines.filter(|line| matches!(line.said, Said::Silent(_))).map(|line| line.directory).collect()
    }
}

fn said_of_rank(rank: usize, decider: Option<&u8>) -> Said {
    match decider.map(|&seat| rank.cmp(&usize::from(seat))) {
        None | Some(std::cmp::Ordering::Less) => Said::Lacks,
        Some(std::cmp::Ordering::Equal) => Said::Holds,
        Some(std::cmp::Ordering::Greater) => Said::NotAsked,
    }
}

impl PartialEq for Trail {
    /// Two trails are equal when they read the same, however they came about.
    fn eq(&self, other: &Self) -> bool {
        self.lines() == other.lines()
    }
}

impl Eq for Trail {}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// What one seat said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'t> {
    /// The place in the order, counted from 0.
    pub rank: usize,
    /// The directory that sits there.
    pub directory: DirectoryId,
    /// Its name, for people.
    pub label: &'t str,
    /// What it said.
    pub said: Said,
    /// How old that knowledge is.
    pub as_of: AsOf,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rank = self.rank + 1;
        if self.label.is_empty() {
            write!(f, "{rank}. {}: {}", self.directory, self.said)?;
        } else {
            write!(f, "{rank}. {}: {}", self.label.escape_debug(), self.said)?;
        }
        match self.said {
            // Nothing was said that could be old; what silence is remembered by carries its age.
            Said::NotAsked | Said::Silent(_) => Ok(()),
            Said::Holds | Said::Lacks | Said::Refuses(_) => fmt::Display::fmt(&self.as_of, f),
        }
    }
}

/// What a seat said, without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Said {
    /// It holds the name.
    Holds,
    /// It does not.
    Lacks,
    /// It holds the name and refused the credential.
    Refuses(Refusal),
    /// It could not say.
    Silent(Memory),
    /// It was not asked, because the decision had fallen.
    NotAsked,
}

impl<T> From<&Answer<T>> for Said {
    fn from(answer: &Answer<T>) -> Self {
        match answer {
            Answer::Holds(_) => Self::Holds,
            Answer::Lacks => Self::Lacks,
            Answer::Refuses(why) => Self::Refuses(*why),
            Answer::Silent(memory) => Self::Silent(*memory),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("holds the name"),
            Self::Lacks => f.write_str("does not know the name"),
            Self::Refuses(why) => write!(f, "refuses: {why}"),
            Self::Silent(Memory::Nothing) => f.write_str("silent, and nothing is remembered"),
            Self::Silent(Memory::Held) => f.write_str("silent, and held the name when last complete"),
            Self::Silent(Memory::Lacked { age }) => {
                write!(f, "silent, and lacked the name when last complete, {} s ago", age.as_secs())
            }
            Self::NotAsked => f.write_str("not asked"),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Trail {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Row<'t> {
            rank: usize,
            directory: DirectoryId,
            label: &'t str,
            said: Said,
            as_of: AsOf,
        }
        let lines = self.lines();
        serializer.collect_seq(lines.iter().map(|line| Row {
            rank: line.rank,
            directory: line.directory,
            label: line.label,
            said: line.said,
            as_of: line.as_of,
        }))
    }
}
