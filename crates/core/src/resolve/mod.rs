//! Resolution: which directory of a plan decides, and why.
//!
//! Pure. A [`Walk`] asks in order and stops at the first decision; [`rank`] decides from the holders of a name when
//! every seat's records are at hand; a [`Survey`] hears everybody, so that it also knows who is shadowed. All three
//! give the same verdict with the same trail, which the exhaustive tests hold.
//!
//! | answer | effect |
//! |---|---|
//! | holds | decides: resolved |
//! | lacks | the next seat is asked |
//! | refuses, [`OnRefusal::Stop`] | decides: refused |
//! | refuses, [`OnRefusal::Pass`] | remembered; the next seat is asked |
//! | silent, may not be passed | undecided at once |
//! | silent, may be passed | remembered; the next seat is asked |
//! | nobody left | undecided if somebody was silent; else refused by the first refuser; else unknown |
//!
//! [`OnRefusal::Stop`]: crate::plan::OnRefusal::Stop
//! [`OnRefusal::Pass`]: crate::plan::OnRefusal::Pass

mod answer;
#[cfg(test)]
mod laws;
mod rank;
mod survey;
mod trail;
mod verdict;
mod walk;

pub use answer::{Answer, Memory};
pub use rank::rank;
pub use survey::{Occurrence, Survey};
pub use trail::{Line, Said, Trail};
pub use verdict::{Resolved, Verdict};
pub use walk::{Step, Walk, begin};
