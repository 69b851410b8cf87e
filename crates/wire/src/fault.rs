//! What an answer says that is no success.

use crate::document::Body;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// The body of every answer that is an error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorEntity {
    /// The kind of error, which clients switch on.
    pub reason: Reason,
    /// Words for people. It is always there: some clients depend on it.
    pub message: String,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $Name:ident = $text:literal;)*) => {
        /// The kind of an error.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $Name,)*
            /// One that a newer server has.
            Unknown(Box<str>),
        }

        impl Reason {
            /// All that are known.
            pub const KNOWN: &[Self] = &[$(Self::$Name),*];

            /// The word in the document.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$Name => $text,)*
                    Self::Unknown(text) => text,
                }
            }

            /// The reason that a word stands for. Total: see [`Reason::Unknown`].
            pub fn of(text: &str) -> Self {
                match text {
                    $($text => Self::$Name,)*
                    other => Self::Unknown(other.into()),
                }
            }
        }
    };
}

reasons! {
    /// The user may not use this application.
    ApplicationAccessDenied = "APPLICATION_ACCESS_DENIED";
    /// The application may not do this in the directory.
    ApplicationPermissionDenied = "APPLICATION_PERMISSION_DENIED";
    /// The password has expired.
    ExpiredCredential = "EXPIRED_CREDENTIAL";
    /// There is no such group.
    GroupNotFound = "GROUP_NOT_FOUND";
    /// A parameter is missing or malformed.
    IllegalArgument = "ILLEGAL_ARGUMENT";
    /// The account may not log in.
    InactiveAccount = "INACTIVE_ACCOUNT";
    /// Wrong name or password.
    InvalidUserAuthentication = "INVALID_USER_AUTHENTICATION";
    /// The rules refuse the new password.
    InvalidCredential = "INVALID_CREDENTIAL";
    /// The user has no usable address.
    InvalidEmail = "INVALID_EMAIL";
    /// The group exists already, or is malformed.
    InvalidGroup = "INVALID_GROUP";
    /// The token opens no session.
    InvalidSsoToken = "INVALID_SSO_TOKEN";
    /// The user exists already, or is malformed.
    InvalidUser = "INVALID_USER";
    /// The one is no member of the other.
    MembershipNotFound = "MEMBERSHIP_NOT_FOUND";
    /// The one is a member of the other already.
    MembershipAlreadyExists = "MEMBERSHIP_ALREADY_EXISTS";
    /// The directory has no groups in groups.
    NestedGroupsNotSupported = "NESTED_GROUPS_NOT_SUPPORTED";
    /// There is no such application.
    ApplicationNotFound = "APPLICATION_NOT_FOUND";
    /// The application was not changed.
    ApplicationModificationFailed = "APPLICATION_MODIFICATION_FAILED";
    /// The application exists already.
    ApplicationAlreadyExists = "APPLICATION_ALREADY_EXISTS";
    /// There is no such directory.
    DirectoryNotFound = "DIRECTORY_NOT_FOUND";
    /// The directory cannot do this.
    UnsupportedOperation = "UNSUPPORTED_OPERATION";
    /// There is no such user.
    UserNotFound = "USER_NOT_FOUND";
    /// Anything unexpected.
    OperationFailed = "OPERATION_FAILED";
    /// The token of the events is unknown or too old.
    EventTokenExpired = "EVENT_TOKEN_EXPIRED";
    /// Events cannot be told.
    IncrementalSyncNotAvailable = "INCREMENTAL_SYNC_NOT_AVAILABLE";
    /// There is no such webhook.
    WebhookNotFound = "WEBHOOK_NOT_FOUND";
    /// The caller may not do this.
    PermissionDenied = "PERMISSION_DENIED";
    /// The membership would close a circle.
    InvalidMembership = "INVALID_MEMBERSHIP";
    /// The token does not change an address.
    InvalidChangeEmailToken = "INVALID_CHANGE_EMAIL_TOKEN";
    /// The address is the one that the user has.
    SameEmailAddress = "SAME_EMAIL_ADDRESS";
}

impl ErrorEntity {
    /// A reason with words for people.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl Body for ErrorEntity {
    const ROOT: &'static str = "error";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self {
            reason: Reason::of(fields.required_text(&["reason"])?.trim_ascii()),
            message: fields.text(&["message"])?.unwrap_or_default(),
        })
    }

    fn put(&self, out: &mut Writer) {
        out.text("reason", self.reason.as_str());
        out.text("message", &self.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_they_are_written() {
        for reason in Reason::KNOWN {
            assert_eq!(Reason::of(reason.as_str()), *reason);
        }
        assert_eq!(Reason::of("BRAND_NEW"), Reason::Unknown("BRAND_NEW".into()));
        assert_eq!(Reason::of("BRAND_NEW").as_str(), "BRAND_NEW");
    }
}
