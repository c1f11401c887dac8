//! `cargo xtask functions`: writes the lists of functions and operators anew.

use std::process::ExitCode;

use tenancy_tests::functions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let written = match functions::generate().await {
        Ok(lists) => functions::write(&lists),
        Err(error) => Err(error),
    };
    match written {
        Ok(changes) => {
            for change in &changes {
                println!("functions: {change}");
            }
            println!("functions: {} changes", changes.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("functions: {error}");
            ExitCode::FAILURE
        }
    }
}
