//! `crm`: starts the demonstration, embedded or on PostgreSQL, and prints where its tenants answer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use clap::{Parser, Subcommand};
use crm::app;
use crm::identity;
use crm::operator;
use crm::secret;
use crm::seed::tenants;
use crm::start::{self, Service};
use crm::tools::Tools;
use crm::worker;
use sqlx::postgres::PgConnectOptions;
use tenancy::TenantStatus;
use tenancy::http::domains::KnownDomains;
use tenancy::sqlx::Secret;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// A small CRM whose tenants live in shared tables, in a schema and in a database of their own
#[derive(Debug, Parser)]
#[command(name = "crm", version)]
struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// The folder of the SQLite files
    #[arg(long, value_name = "DIR", default_value = "data/crm")]
    data: PathBuf,

    /// Where a proxy asks for which domains it may get certificates; nobody outside may reach it
    #[arg(long, value_name = "ADDR")]
    ask: Option<SocketAddr>,

    /// The domain below which tenants answer
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    domain: String,

    /// Where the passwords of PostgreSQL's login roles come from; a file in the folder keeps one if not given
    #[arg(long, value_name = "TEXT", env = "CRM_SECRET", hide_env_values = true)]
    secret: Option<String>,

    /// A Redis for what is cached and for the queue of jobs, instead of memory and the database
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,

    /// A PostgreSQL database to use instead of SQLite files, as its owner
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

/// What an operator does instead of serving
#[derive(Debug, Subcommand)]
enum Command {
    /// Cut a tenant off, on every node at once
    Suspend {
        /// The tenant's name below the domain
        slug: String,
    },
    /// Let a tenant in again
    Resume {
        /// The tenant's name below the domain
        slug: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            explain(&*error);
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each said once: some drivers repeat the cause in their own words.
fn explain(error: &dyn std::error::Error) {
    let mut said = error.to_string();
    eprintln!("crm: {said}");
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            eprintln!("  because {text}");
            said = text;
        }
        source = cause.source();
    }
}

async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let Args {
        listen,
        ask,
        data,
        domain,
        secret,
        database_url,
        redis_url,
        command,
    } = args;
    let database_url = database_url.filter(|url| !url.is_empty());
    if let Some(command) = command {
        return operate(command, &data, database_url.as_deref()).await;
    }
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("can't listen on {listen}: {error}"))?;
    let report = |line: &str| println!("{line}");
    let secret = Secret::new(match secret {
        Some(secret) => secret,
        None => secret::read_or_make(&data)?,
    })?;
    let owner = database_url.map(|url| owner(&url)).transpose()?;
    let service = match owner.clone() {
        Some(owner) => start::postgres(owner, secret.clone(), &tenants::ALL, report).await?,
        None => start::embedded(&data, &tenants::ALL, report).await?,
    };
    let redis = redis_url.as_deref().filter(|url| !url.is_empty());
    let tools = Tools::open(&data, owner, redis, &secret)
        .await
        .map_err(|error| -> Box<dyn std::error::Error> { error })?;
    let Service {
        db,
        registry,
        identity,
        watch,
    } = service;
    let (stop, stopping) = oneshot::channel::<()>();
    let working = worker::run(tools.clone(), db.clone(), Arc::clone(&registry), async {
        let _ = stopping.await;
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "the worker is of no tenant; it opens each job in its own scope"
    )]
    let working = tokio::spawn(working);
    let used = identity.used_keys();
    let control = identity.control.clone();
    let app = app::router(db, registry, identity, &domain)?.layer(Extension(tools));
    let port = listener.local_addr()?.port();
    let [first, ..] = tenants::ALL;
    println!(
        "sign in as {} and likewise, with the password {}",
        first.admin(),
        start::DEMO_PASSWORD
    );
    println!(
        "{} is also at http://{domain}:{port}{}/{}/",
        first.slug,
        identity::PATH_PREFIX,
        first.slug
    );
    println!("ready:");
    for tenant in tenants::ALL {
        println!("  http://{}.{domain}:{port}", tenant.slug);
    }
    let noting = async {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            if let Err(error) = control.mark_used(&used.drain()).await {
                tracing::warn!(%error, "the use of API keys was not noted");
            }
        }
    };
    let known = KnownDomains::new();
    known.replace(control.served().await?);
    let knowing = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match control.served().await {
                Ok(domains) => known.replace(domains),
                Err(error) => tracing::warn!(%error, "the served domains are not known anew"),
            }
        }
    };
    let asked = async {
        let Some(ask) = ask else {
            return std::future::pending().await;
        };
        let listener = TcpListener::bind(ask).await?;
        axum::serve(listener, app::permission(known.clone())).await
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopped());
    tokio::select! {
        served = serving.into_future() => served?,
        asked = asked => asked?,
        () = noting => {}
        () = knowing => {}
    }
    let _ = stop.send(());
    working.await?.map_err(|error| error.to_string())?;
    drop(watch);
    Ok(())
}

/// The database of this address, as its owner.
fn owner(url: &str) -> Result<PgConnectOptions, &'static str> {
    url.parse()
        .map_err(|_| "DATABASE_URL is not like postgres://owner:password@host/database")
}

async fn operate(
    command: Command,
    data: &Path,
    database_url: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    let (slug, to) = match command {
        Command::Suspend { slug } => (slug, TenantStatus::Suspended),
        Command::Resume { slug } => (slug, TenantStatus::Active),
    };
    match database_url {
        Some(url) => operator::postgres(owner(url)?, &slug, to).await?,
        None => operator::embedded(data, &slug, to).await?,
    }
    println!("{slug} is {to}");
    Ok(())
}

/// Until somebody presses Ctrl-C. Requests under way are finished.
async fn stopped() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "can't listen for Ctrl-C");
        std::future::pending::<()>().await;
    }
}
