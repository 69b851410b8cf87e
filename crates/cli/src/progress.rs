//! How far long work is, on standard error where somebody sees it.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, and nothing anywhere else.
#[derive(Debug, Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of something, with these words before it.
    pub(crate) fn of(words: &'static str) -> Self {
        let bar = ProgressBar::new(0).with_message(words);
        // A template that cannot be read would be a bar that looks otherwise.
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub(crate) fn show(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
