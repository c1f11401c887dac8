//! What Diesel's query builder makes of the tables: all of it passes the firewall, and all of it is one tenant's.

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};
use tenancy_core::{Isolation, TenantContext};
use tenancy_diesel::{Error, TenantPool};
use tenancy_testkit::fixture::Walls;

use crate::places;
use crate::tables::{Lead, User, lead, leads, users};

macro_rules! composes {
    ($($test:ident: $driver:ty, $isolation:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                use places::Driver as _;

                let tenants = <$driver>::fixture(Isolation::$isolation, Walls::Both).await;
                let pool: TenantPool<$driver> = places::pool(&tenants, 2);
                let cx = TenantContext::for_test(tenants.a.clone());
                let work = pool.for_tenant(&cx);
                work.interact(|conn| {
                    conn.test_transaction(|conn| {
                        all_of_it!(conn);
                        QueryResult::Ok(())
                    });
                    Ok::<(), Error>(())
                })
                .await
                .unwrap();
            }
        )*
    };
}

/// Each kind of query once, as the tenant `a`, who has six leads of three users.
macro_rules! all_of_it {
    ($conn:ident) => {
        let by_user: Vec<(String, Option<String>)> = users::table
            .left_join(leads::table)
            .filter(users::id.eq(1))
            .order((users::id, leads::id.desc()))
            .select((users::name, leads::name.nullable()))
            .load($conn)?;
        assert_eq!(by_user.len(), 2);
        assert_eq!(by_user[0].1.as_deref(), Some("a lead 4"));

        let later = Lead::scoped().filter(leads::id.gt(2)).count();
        assert_eq!(later.get_result::<i64>($conn)?, 4);

        let mut boxed = leads::table.select(leads::id).into_boxed();
        for part in ["lead", "a "] {
            boxed = boxed.filter(leads::name.like(format!("%{part}%")));
        }
        let ids: Vec<i64> = boxed.order(leads::id).limit(2).offset(1).load($conn)?;
        assert_eq!(ids, [2, 3]);

        let owners = leads::table
            .filter(leads::id.gt(4))
            .select(leads::owner_id.assume_not_null());
        let names: Vec<String> = users::table
            .filter(users::id.eq_any(owners))
            .order(users::id)
            .select(users::name)
            .load($conn)?;
        assert_eq!(names, ["a user 2", "a user 3"]);
        let without = leads::table.filter(leads::owner_id.eq(users::id.nullable()));
        let idle: i64 = users::table
            .filter(not(exists(without)))
            .count()
            .get_result($conn)?;
        assert_eq!(idle, 0);
        let some: bool = diesel::select(exists(leads::table.filter(leads::id.eq_any([1, 2]))))
            .get_result($conn)?;
        assert!(some);

        let counts: Vec<(String, i64)> = leads::table
            .group_by(leads::status)
            .select((leads::status, count_star()))
            .load($conn)?;
        assert_eq!(counts, [("open".to_owned(), 6)]);

        let owners: Vec<User> = users::table.order(users::id).load($conn)?;
        let theirs = Lead::belonging_to(&owners)
            .order(leads::id)
            .load::<Lead>($conn)?
            .grouped_by(&owners);
        assert!(theirs.iter().all(|leads| leads.len() == 2));
        assert_eq!(theirs[2][1].name, "a lead 6");

        let many: Vec<Lead> = (10..13).map(|id| lead(id, "many")).collect();
        let done = diesel::insert_into(leads::table)
            .values(&many)
            .execute($conn)?;
        assert_eq!(done, 3);
        let again = diesel::insert_into(leads::table)
            .values(&lead(10, "again"))
            .on_conflict(leads::id)
            .do_update()
            .set(leads::name.eq("merged"))
            .returning(leads::name)
            .get_result::<String>($conn)?;
        assert_eq!(again, "merged");
        let nothing = diesel::insert_into(leads::table)
            .values(&lead(11, "again"))
            .on_conflict(leads::id)
            .do_nothing()
            .execute($conn)?;
        assert_eq!(nothing, 0);
        let copied = users::table.select((users::id + 100, users::name));
        let copied = diesel::insert_into(users::table)
            .values(copied)
            .into_columns((users::id, users::name))
            .execute($conn)?;
        assert_eq!(copied, 3);

        let mut first: Lead = leads::table.find(12).first($conn)?;
        first.name = "saved".to_owned();
        assert_eq!(first.save_changes::<Lead>($conn)?, first);
        let returned: Vec<i64> = diesel::update(leads::table.filter(leads::id.ge(11)))
            .set((leads::status.eq("won"), leads::owner_id.eq(None::<i64>)))
            .returning(leads::id)
            .get_results($conn)?;
        assert_eq!(returned.len(), 2);
        let gone: Vec<i64> = diesel::delete(leads::table.filter(leads::id.ge(10)))
            .returning(leads::id)
            .get_results($conn)?;
        assert_eq!(gone.len(), 3);
    };
}

composes! {
    sqlite_shared: SqliteConnection, Shared;
    sqlite_schema: SqliteConnection, Schema;
    sqlite_database: SqliteConnection, Database;
    postgres_shared: PgConnection, Shared;
    postgres_schema: PgConnection, Schema;
    postgres_database: PgConnection, Database;
}
