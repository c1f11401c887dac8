//! The checked-in lists of functions and operators are those that the generator makes.

use tenancy_tests::functions::{self, MAJOR};

#[tokio::test]
async fn the_lists_are_what_the_generator_makes() {
    let mut lists = functions::generate().await.unwrap();
    // Another major version has other functions; its lists are made when a person looks at the difference.
    lists.retain(|list| list.major.is_none_or(|major| major == MAJOR));
    println!("{} lists compared", lists.len());
    let differences = functions::differences(&lists).unwrap();
    assert_eq!(
        differences, [""; 0],
        "run `cargo xtask functions`, and look at what changed"
    );
}

#[tokio::test]
async fn no_version_of_the_server_has_a_listed_function_that_changes_something() {
    let volatile = functions::volatile().await.unwrap();
    assert!(volatile.contains("set_config"), "{volatile:?}");
    let known = [
        "clock_timestamp",
        "gen_random_uuid",
        "random",
        "random_normal",
        "timeofday",
        "uuidv4",
        "uuidv7",
    ];
    let listed: Vec<_> = functions::listed("postgres.txt")
        .unwrap()
        .into_iter()
        .filter(|name| volatile.contains(name) && !known.contains(&name.as_str()))
        .collect();
    assert_eq!(listed, [""; 0], "volatile, and on the list");
}
