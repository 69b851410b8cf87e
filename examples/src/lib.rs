//! The examples are beside this folder; there is nothing here.
