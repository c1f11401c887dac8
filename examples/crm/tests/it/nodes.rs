//! Two nodes, each a process of its own, over one PostgreSQL: what an operator does in a third cuts a tenant off in both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use tenancy_testkit::{PgCluster, TempFolder};

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves, ended when dropped.
struct Node {
    process: Child,
    port: u16,
    /// Held, so that whatever else it says does not end it.
    said: Option<BufReader<ChildStdout>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn crm(url: &str, data: &TempFolder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crm"));
    command
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("CRM_SECRET", "a secret that both nodes have been given")
        .stdout(Stdio::piped());
    command
}

impl Node {
    /// Starts one and waits until it says where it answers.
    fn start(url: &str, data: &TempFolder) -> Self {
        let mut process = crm(url, data, &[]).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut node = Self {
            process,
            port: 0,
            said: None,
        };
        let mut line = String::new();
        while node.port == 0 {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended instead");
            let address = line.trim().strip_prefix("http://acme.localhost:");
            if let Some(port) = address.and_then(|port| port.parse().ok()) {
                node.port = port;
            }
        }
        node.said = Some(said);
        node
    }

    fn status(&self, tenant: &str) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request =
            format!("GET /leads HTTP/1.1\r\nhost: {tenant}.localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Asks until the tenant is there, or is not; how long that took.
    fn waits_until(&self, tenant: &str, is_there: bool) -> Duration {
        let begun = Instant::now();
        while (self.status(tenant) != 404) != is_there {
            assert!(begun.elapsed() < PATIENCE, "{tenant} stays as it was");
        }
        begun.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_suspended_by_one_process_is_cut_off_in_two_others() {
    let database = PgCluster::shared().await.unwrap().database().await.unwrap();
    let url = database.admin_options().to_url_lossy().to_string();
    let work = tokio::task::spawn_blocking(move || {
        let data = TempFolder::new().unwrap();
        let nodes = [Node::start(&url, &data), Node::start(&url, &data)];
        let operate = |verb: &str| {
            let done = crm(&url, &data, &[verb, "acme"]).status().unwrap();
            assert!(done.success(), "{verb}");
        };
        for node in &nodes {
            assert_ne!(node.status("acme"), 404);
            assert_ne!(node.status("globex"), 404);
        }
        operate("suspend");
        for (n, node) in nodes.iter().enumerate() {
            let took = node.waits_until("acme", false);
            println!("node {n} refused {took:?} after the command had ended");
            assert_ne!(node.status("globex"), 404, "others go on");
        }
        operate("resume");
        for node in &nodes {
            node.waits_until("acme", true);
        }
        // Nobody by that name: refused, and nothing has changed.
        let done = crm(&url, &data, &["suspend", "vandelay"]).status().unwrap();
        assert!(!done.success());
        assert_ne!(nodes[0].status("acme"), 404);
    });
    work.await.unwrap();
}
