//! What configuration allows: the eight operations, and the masks that directories and applications put on them.

/// An operation that a mask allows or not (R110).
///
/// Changing a password and renaming need [`Operation::UpdateUser`]; adding and removing members needs
/// [`Operation::UpdateGroup`] (R113).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Operation {
    /// Make a user.
    CreateUser,
    /// Change, rename or deactivate a user, or set a password.
    UpdateUser,
    /// Delete a user.
    DeleteUser,
    /// Change the attributes of a user.
    UpdateUserAttribute,
    /// Make a group.
    CreateGroup,
    /// Change a group or its members.
    UpdateGroup,
    /// Delete a group.
    DeleteGroup,
    /// Change the attributes of a group.
    UpdateGroupAttribute,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CreateUser,
        Self::UpdateUser,
        Self::DeleteUser,
        Self::UpdateUserAttribute,
        Self::CreateGroup,
        Self::UpdateGroup,
        Self::DeleteGroup,
        Self::UpdateGroupAttribute,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of allowed operations.
///
/// The effective permission of an application on a directory is the intersection of the directory's mask and the
/// seat's: neither can widen the other (R111), and the seat's is kept while the directory's is narrower (R112).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Vec<Operation>", into = "Vec<Operation>")
)]
pub struct Permissions(u8);

impl Permissions {
    /// Nothing at all.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(u8::MAX);
    /// Read only: attributes may still be kept (R115, R116).
    pub const READ_ONLY: Self =
        Self(Operation::UpdateUserAttribute.bit() | Operation::UpdateGroupAttribute.bit());
    /// Read only with local groups (R115).
    pub const LOCAL_GROUPS: Self = Self(
        Self::READ_ONLY.0
            | Operation::CreateGroup.bit()
            | Operation::UpdateGroup.bit()
            | Operation::DeleteGroup.bit(),
    );

    /// This set with one more operation.
    #[must_use]
    pub const fn with(self, operation: Operation) -> Self {
        Self(self.0 | operation.bit())
    }

    /// This set without one operation.
    #[must_use]
    pub const fn without(self, operation: Operation) -> Self {
        Self(self.0 & !operation.bit())
    }

    /// What both sets allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the operation is allowed.
    pub const fn allows(self, operation: Operation) -> bool {
        self.0 & operation.bit() != 0
    }

    /// The allowed operations.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::ALL.into_iter().filter(move |&operation| self.allows(operation))
    }
}

impl FromIterator<Operation> for Permissions {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        operations.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Vec<Operation>> for Permissions {
    fn from(operations: Vec<Operation>) -> Self {
        operations.into_iter().collect()
    }
}

impl From<Permissions> for Vec<Operation> {
    fn from(permissions: Permissions) -> Self {
        permissions.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_mask_widens_the_other_r111() {
        for directory in 0..=u8::MAX {
            for seat in 0..=u8::MAX {
                let both = Permissions(directory).and(Permissions(seat));
                for operation in Operation::ALL {
                    assert_eq!(
                        both.allows(operation),
                        Permissions(directory).allows(operation) && Permissions(seat).allows(operation)
                    );
                }
            }
        }
    }

    #[test]
    fn presets_are_those_of_r115() {
        assert_eq!(Permissions::READ_ONLY.iter().count(), 2);
        assert_eq!(Permissions::LOCAL_GROUPS.iter().count(), 5);
        assert_eq!(Permissions::ALL.iter().collect::<Permissions>(), Permissions::ALL);
        assert!(!Permissions::READ_ONLY.allows(Operation::UpdateUser));
        assert!(Permissions::LOCAL_GROUPS.allows(Operation::CreateGroup));
    }
}
