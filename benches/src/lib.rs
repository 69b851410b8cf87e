//! The benchmarks are beside this folder; there is nothing here.
