//! Servers: fresh databases, the application role, faults, and nothing left behind whatever happens.

use std::{
    env,
    fs::Permissions,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tenancy_testkit::{Error, PgCluster, TempFolder};

async fn connect(options: PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&options).await.unwrap()
}

async fn count(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Looks again until the condition holds, for half a minute at most.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "not {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn url(options: &PgConnectOptions, password: &str) -> String {
    format!(
        "postgres://{}:{password}@{}:{}/postgres",
        options.get_username(),
        options.get_host(),
        options.get_port()
    )
}

#[tokio::test]
async fn databases_of_one_template_are_apart_and_it_is_built_once() {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    let cluster = PgCluster::shared().await.unwrap();
    let fresh = async || {
        cluster
            .database_from("kit-apart", async |admin| {
                BUILT.fetch_add(1, Ordering::SeqCst);
                sqlx::raw_sql("CREATE TABLE leads (id int); INSERT INTO leads VALUES (1)")
                    .execute(admin)
                    .await
                    .map(drop)
            })
            .await
            .unwrap()
    };
    let (one, two) = tokio::join!(fresh(), fresh());
    assert_ne!(one.name(), two.name());

    let mut first = connect(one.admin_options()).await;
    let mut second = connect(two.admin_options()).await;
    sqlx::query("INSERT INTO leads VALUES (2)")
        .execute(&mut first)
        .await
        .unwrap();
    assert_eq!(count(&mut first, "SELECT count(*) FROM leads").await, 2);
    assert_eq!(count(&mut second, "SELECT count(*) FROM leads").await, 1);
    assert_eq!(BUILT.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_template_that_fails_is_built_again() {
    let cluster = PgCluster::shared().await.unwrap();
    let failed = cluster
        .database_from("kit-fails", async |admin| {
            sqlx::raw_sql("SELECT 1/0").execute(admin).await.map(drop)
        })
        .await;
    assert!(matches!(failed, Err(Error::Template { key, .. }) if key == "kit-fails"));
    let works = async |_: &mut PgConnection| Ok::<_, Error>(());
    cluster.database_from("kit-fails", works).await.unwrap();
}

#[tokio::test]
async fn the_application_role_is_an_ordinary_one() {
    let cluster = PgCluster::shared().await.unwrap();
    let database = cluster.database().await.unwrap();
    let mut app = connect(database.app_options()).await;
    let row: (String, bool, bool, bool, bool, bool, bool) = sqlx::query_as(
        "SELECT rolname::text, rolcanlogin, rolsuper, rolbypassrls, rolinherit, rolcreatedb, rolcreaterole \
         FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut app)
    .await
    .unwrap();
    let role = cluster.app_role().to_owned();
    assert_eq!(row, (role, true, false, false, false, false, false));
    let refused = sqlx::raw_sql("CREATE TABLE t (id int)")
        .execute(&mut app)
        .await;
    let code = refused.unwrap_err().into_database_error().unwrap();
    assert_eq!(code.code().as_deref(), Some("42501"));
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let cluster = PgCluster::start().await.unwrap();
    let database = cluster.database().await.unwrap();
    for options in [database.admin_options(), database.app_options()] {
        assert!(
            PgConnection::connect_with(&options.password("guess"))
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_closed_database_is_gone_though_somebody_is_connected() {
    let cluster = PgCluster::shared().await.unwrap();
    let database = cluster.database().await.unwrap();
    let options = database.admin_options();
    let mut connected = connect(options.clone()).await;
    database.close().await.unwrap();
    assert!(connected.ping().await.is_err());
    assert!(PgConnection::connect_with(&options).await.is_err());
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_cuts_the_connections() {
    let cluster = PgCluster::start().await.unwrap();
    let database = cluster.database().await.unwrap();
    let mut before = connect(database.admin_options()).await;
    sqlx::raw_sql("CREATE TABLE leads (id int); INSERT INTO leads VALUES (1)")
        .execute(&mut before)
        .await
        .unwrap();

    cluster.restart().await.unwrap();
    assert!(before.ping().await.is_err());
    let mut after = connect(database.admin_options()).await;
    assert_eq!(count(&mut after, "SELECT count(*) FROM leads").await, 1);

    cluster.stop().await.unwrap();
    cluster.stop().await.unwrap();
    assert!(
        PgConnection::connect_with(&database.admin_options())
            .await
            .is_err()
    );
    cluster.restart().await.unwrap();
    cluster.database().await.unwrap();
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_server_and_no_folder() {
    let cluster = PgCluster::start().await.unwrap();
    let folder = cluster.folder().unwrap().to_owned();
    let port = cluster.database().await.unwrap().admin_options().get_port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(cluster);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

/// The test process that is killed in the next test.
#[tokio::test]
async fn child_that_is_killed() {
    if env::var_os("TENANCY_TESTKIT_CHILD").is_some() {
        let cluster = PgCluster::start().await.unwrap();
        println!("\nfolder {}", cluster.folder().unwrap().display());
        std::future::pending::<()>().await;
    }
}

#[test]
fn a_killed_process_leaves_no_server_and_no_folder() {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "postgres::child_that_is_killed", "--nocapture"])
        .env("TENANCY_TESTKIT_CHILD", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folder: PathBuf = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .find_map(|line| Some(PathBuf::from(line.unwrap().strip_prefix("folder ")?)))
        .expect("the child says where its server is");
    let pid_file = folder.join("data/postmaster.pid");
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let process = Path::new("/proc").join(pid.lines().next().unwrap());
    assert!(folder.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("removed", || !folder.exists());
    eventually("stopped", || !process.exists());
}

#[test]
fn a_process_killed_while_its_server_starts_leaves_no_folder() {
    // The user that the server runs as, if we are root, has to write here too.
    let parent = TempFolder::new().unwrap();
    std::fs::set_permissions(parent.path(), Permissions::from_mode(0o777)).unwrap();
    for milliseconds in [20, 150, 300, 600, 900, 1200] {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "postgres::child_that_is_killed"])
            .env("TENANCY_TESTKIT_CHILD", "1")
            .env("TMPDIR", parent.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The supervisor of the first may not have begun yet.
    thread::sleep(Duration::from_secs(1));
    let is_empty = || std::fs::read_dir(parent.path()).unwrap().next().is_none();
    eventually("empty", is_empty);
}

#[tokio::test]
async fn a_borrowed_server_is_left_clean_by_the_next_run() {
    let server = PgCluster::start().await.unwrap();
    let admin = server.database().await.unwrap().admin_options();
    let mut root = connect(admin.clone().database("postgres")).await;
    for statement in [
        "CREATE ROLE boss LOGIN CREATEDB CREATEROLE PASSWORD 'boss'",
        "CREATE ROLE clerk LOGIN PASSWORD 'clerk'",
        "CREATE ROLE tenancy_run_00000000000000aa_app",
        "CREATE DATABASE tenancy_run_00000000000000aa_1 OWNER boss",
        "CREATE DATABASE tenancy_run_mine OWNER boss",
    ] {
        sqlx::raw_sql(statement).execute(&mut root).await.unwrap();
    }
    const RUNS: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'tenancy\\_run\\_%'";
    let before = count(&mut root, RUNS).await;

    let boss = admin.clone().username("boss");
    let first = PgCluster::at(&url(&boss, "boss")).await.unwrap();
    let second = PgCluster::at(&url(&boss, "boss")).await.unwrap();
    assert_eq!(
        count(&mut root, RUNS).await,
        before - 1,
        "only the dead run is swept"
    );
    let build = async |_: &mut PgConnection| Ok::<_, Error>(());
    let kept = first.database_from("kit", build).await.unwrap();
    let closed = second.database_from("kit", build).await.unwrap();
    closed.close().await.unwrap();
    assert_eq!(count(&mut root, RUNS).await, before + 2);
    connect(kept.app_options()).await;
    assert!(matches!(first.restart().await, Err(Error::NotOurs)));

    drop((first, second, kept));
    let start = Instant::now();
    while count(&mut root, RUNS).await != before - 1 {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let clerk = admin.username("clerk");
    let refused = PgCluster::at(&url(&clerk, "clerk")).await;
    assert!(matches!(refused, Err(Error::NotAdmin(role)) if role == "clerk"));
}

#[tokio::test]
async fn a_bad_address_says_so() {
    let url = PgCluster::at("mysql://nobody@localhost/").await;
    assert!(matches!(url, Err(Error::Url(_))), "{url:?}");
    let silent = PgCluster::at("postgres://admin:secret@127.0.0.1:1/postgres").await;
    assert!(matches!(silent, Err(Error::Unreachable(_))), "{silent:?}");
}
