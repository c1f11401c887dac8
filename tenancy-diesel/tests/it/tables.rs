//! The fixture's tables as Diesel knows them: without the tenant column, which is the framework's business.

use diesel::prelude::*;

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        status -> Text,
        owner_id -> Nullable<BigInt>,
    }
}

diesel::joinable!(leads -> users (owner_id));
diesel::allow_tables_to_appear_in_same_query!(leads, users);

#[tenancy_macros::tenant_scoped(table = "leads")]
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Queryable,
    Selectable,
    Identifiable,
    Associations,
    Insertable,
    AsChangeset,
)]
#[diesel(table_name = leads, belongs_to(User, foreign_key = owner_id))]
pub(crate) struct Lead {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) owner_id: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = users)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

/// A lead of the first user.
pub(crate) fn lead(id: i64, name: &str) -> Lead {
    Lead {
        id,
        name: name.to_owned(),
        status: "open".to_owned(),
        owner_id: Some(1),
    }
}
