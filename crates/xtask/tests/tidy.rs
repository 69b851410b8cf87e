//! The house rules, held by tests. Each test here looks at the whole project; each rule is a function under
//! `rules/`, beside a test that it catches what it is there to catch.

mod rules;

use rules::manifests::Manifests;
use rules::{Project, Violation, code, documents, files};

fn hold(violations: impl IntoIterator<Item = Violation>) {
    let mut lines: Vec<String> = violations.into_iter().map(|violation| violation.to_string()).collect();
    lines.sort();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

fn hold_in_code(rule: code::Rule) {
    hold(Project::read().sources().flat_map(|source| rule(&source)));
}

fn hold_in_manifests(rule: fn(&Manifests) -> Vec<Violation>) {
    hold(rule(&Manifests::read(&Project::read())));
}

#[test]
fn arrows_of_the_picture_point_down() {
    hold_in_manifests(Manifests::arrows);
}

#[test]
fn the_engine_names_no_adapter() {
    hold_in_manifests(Manifests::engine_names_no_adapter);
}

#[test]
fn core_depends_only_on_what_the_list_allows() {
    hold_in_manifests(Manifests::core_is_small);
}

#[test]
fn every_member_inherits_from_the_workspace() {
    hold_in_manifests(Manifests::inheritance);
}

#[test]
fn every_version_is_declared_once() {
    hold_in_manifests(Manifests::versions);
}

#[test]
fn every_crate_is_a_member() {
    let project = Project::read();
    hold(Manifests::read(&project).membership(&project.files));
}

#[test]
fn only_known_names_stand_at_the_top() {
    hold(files::top_level(&Project::read().files));
}

#[test]
fn every_engine_has_the_same_migrations() {
    hold(files::migrations(&Project::read().files));
}

#[test]
fn the_store_links_to_the_migrations() {
    hold(files::migrations_link(&Project::read().root));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    hold(files::machine_paths(&Project::read()));
}

#[test]
fn documents_name_only_files_that_exist() {
    hold(documents::named_files(&Project::read()));
}

#[test]
fn no_source_is_too_long() {
    hold_in_code(files::length);
}

#[test]
fn no_line_is_too_wide() {
    hold_in_code(files::width);
}

#[test]
fn nothing_is_left_unfinished() {
    hold_in_code(code::finished);
}

#[test]
fn errors_are_not_read_as_text() {
    hold_in_code(code::errors_not_read_as_text);
}

#[test]
fn statements_are_not_checked_by_macros() {
    hold_in_code(code::no_query_macros);
}

#[test]
fn statements_are_not_formatted() {
    hold_in_code(code::no_formatted_sql);
}

#[test]
fn lints_are_expected_not_allowed() {
    hold_in_code(code::no_blanket_allow);
}

#[test]
fn public_names_say_what_a_thing_is() {
    hold_in_code(code::names);
}

#[test]
fn only_the_system_module_reads_the_clock() {
    hold_in_code(code::clock);
}

#[test]
fn core_is_synchronous_outside_its_ports() {
    hold_in_code(code::core_is_synchronous);
}

#[test]
fn core_does_no_io() {
    hold_in_code(code::core_is_pure);
}
