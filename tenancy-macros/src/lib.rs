//! The macros of `tenancy`. Use them through the crate `tenancy` with its feature `macros`, which re-exports and documents
//! them.
//!
//! Each macro is a folder, split into `parse` (what was written), `validate` (what is wrong with it) and `expand` (what it
//! becomes). What all of them know of the project they run in (its `tenancy.toml`, its migrations) is in `project`.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

mod catalog;
mod krate;
mod project;
mod scoped;
mod statement;
mod test;

use proc_macro::TokenStream;

/// The catalogue of the project's tables, read from its migrations while the program is compiled.
///
/// `catalog!()` in a project with one dialect, `catalog!(postgres)` or `catalog!(sqlite)` in one with two. The value is a
/// `Result<Catalog, CatalogError>`; its error can't occur, because a catalogue that can't be built does not compile.
///
/// # Errors
/// At compile time: no `tenancy.toml` beside `Cargo.toml` or above it, a migration that is not understood, a table that is
/// neither tenant-scoped nor declared.
///
/// A migration that is changed is noticed by cargo, one that is added is not: let `build.rs` print
/// `cargo::rerun-if-changed=migrations`, as `sqlx::migrate!` asks for too.
#[proc_macro]
pub fn catalog(input: TokenStream) -> TokenStream {
    catalog::catalog(input.into()).into()
}

/// A statement that is checked against the project's tables while the program is compiled: a `&'static str`.
///
/// For sqlx's functions, `sqlx::query_as(statement!("SELECT …"))`, and with no database at hand. The text is the one that
/// was written; the pool takes the rewritten one, and parses nothing.
///
/// # Errors
/// At compile time: the firewall refuses the statement over the tables of a dialect of the project. `dialect = "sqlite"`
/// before the text says that it is meant for that one alone.
#[proc_macro]
pub fn statement(input: TokenStream) -> TokenStream {
    statement::statement(input.into()).into()
}

macro_rules! sqlx_macros {
    ($($name:ident: $shape:ident, $of:literal;)*) => {
        $(
            #[doc = concat!("`sqlx::", $of, "!` with the firewall in front, while the program is compiled.")]
            ///
            /// Takes what sqlx's takes, expands to it, and is used in the same way on a `TenantPool` or `TenantTx`, which
            /// then parse nothing. `dialect = "postgres"` or `dialect = "sqlite"` may come first in a project with both.
            ///
            /// # Errors
            /// At compile time: what the firewall refuses, and what sqlx's macro refuses.
            #[proc_macro]
            pub fn $name(input: TokenStream) -> TokenStream {
                statement::sqlx($of, statement::Shape::$shape, input.into()).into()
            }
        )*
    };
}

sqlx_macros! {
    query: Text, "query";
    query_unchecked: Text, "query_unchecked";
    query_as: Typed, "query_as";
    query_as_unchecked: Typed, "query_as_unchecked";
    query_scalar: Text, "query_scalar";
    query_scalar_unchecked: Text, "query_scalar_unchecked";
    query_file: File, "query_file";
    query_file_unchecked: File, "query_file_unchecked";
    query_file_as: TypedFile, "query_file_as";
    query_file_as_unchecked: TypedFile, "query_file_as_unchecked";
    query_file_scalar: File, "query_file_scalar";
    query_file_scalar_unchecked: File, "query_file_scalar_unchecked";
}

/// What a model's statement becomes, for the documentation of its function: the expansion of `#[tenant_scoped]` asks for it
/// under `cfg(doc)` alone, so that a check of the program does not wait for it.
#[doc(hidden)]
#[proc_macro]
pub fn sent(input: TokenStream) -> TokenStream {
    scoped::sent(input.into()).into()
}

/// An async test that gets two fresh tenants, once for each isolation: shared tables, a schema each, a database each.
///
/// ```text
/// #[tenant_test]
/// async fn what_a_writes_b_does_not_see(tenants: TestTenants<Sqlite>) -> Result<(), sqlx::Error> {
///     let (a, b) = (tenants.pool.for_tenant(&tenants.a), tenants.pool.for_tenant(&tenants.b));
///     sqlx::query("INSERT INTO leads (id, name) VALUES (1, 'Ada')").execute(&a).await?;
///     assert!(sqlx::query("SELECT * FROM leads").fetch_optional(&b).await?.is_none());
///     Ok(())
/// }
/// ```
/// It makes the tests `what_a_writes_b_does_not_see::shared`, `::schema` and `::database`, over the tables of the project's
/// own migrations. The parameter's type says on which database. `#[tenant_test(shared, schema)]` runs in those isolations
/// alone. `tenancy-testkit` has to be among the `dev-dependencies`, by that name or by the one in `testkit = path`.
///
/// # Errors
/// At compile time: a function that is not async, has generics, or takes something else than its tenants.
#[proc_macro_attribute]
pub fn tenant_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::tenant_test(arguments.into(), &item.into()).into()
}

/// A struct with named fields becomes a model of a tenant's table: `#[tenant_scoped(table = "leads")]`.
///
/// It is given implementations of `TenantScoped`, `TenantWritten` and `Stored`, whose constants are its statements, and
/// functions that send them: `find`, `all`, `filter`, `count`, `exists`, `insert`, `insert_many`, `update`, `upsert`, `delete`,
/// `delete_where`, a constant for each column to order by. The documentation of each function shows what it sends. There is no
/// field for the tenant column: the framework alone writes it.
///
/// | argument | meaning |
/// |---|---|
/// | `table = "leads"` | the table; it belongs to tenants |
/// | `key = "email"`, `key = ["a", "b"]` | another key than the primary key, unique for a tenant |
/// | `read_only` | no functions that write; the struct may leave columns out |
/// | `except(find, count)` | functions that are left out, for ones of your own |
/// | `crate = path` | where `tenancy` is |
///
/// | on a field, `#[tenant(…)]` | meaning |
/// |---|---|
/// | `column = "…"` | its column; as the field unless said. `#[sqlx(rename = "…")]` says the same |
/// | `key` | it is (a part of) the key |
/// | `skip` | it is no column; it is `Default::default()` when read. `#[sqlx(skip)]` says the same |
/// | `default` | the database fills it in when a row is added |
/// | `read_only` | it is read and never written |
/// | `nullable` | its type has a value for NULL, and is not called `Option` |
/// | `bind_with(function, Type)` | it is written as what the function makes of it |
/// | `belongs_to = User`, `belongs_to(User, name = "owner")` | it points to a row of another model |
///
/// # Errors
/// At compile time, all at once and where they were made: an unknown table or column, a table that is `global` or `central`, a
/// missing key, a field for the tenant column, a column that may be NULL in a field that can't, a column that a new row
/// needs and no field gives, a statement that the firewall refuses, and whatever else can't be a model.
#[proc_macro_attribute]
pub fn tenant_scoped(arguments: TokenStream, item: TokenStream) -> TokenStream {
    scoped::tenant_scoped(arguments.into(), item.into()).into()
}
