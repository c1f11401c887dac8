//! A running CRM with the four tenants and a handful of leads each, and a small client for it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::{Extension, Router};
use crm::app;
use crm::control::Control;
use crm::seed::tenants::{ALL, Profile};
use crm::start::{self, DEMO_PASSWORD, Service, StartError};
use crm::tools::Tools;
use crm::worker;
use http_body_util::BodyExt;
use serde_json::Value;
use tenancy::http::domains::TxtLookup;
use tenancy::sqlx::Secret;
use tenancy::sqlx::registry::RegistryWatch;
use tenancy::{Actor, BoxFuture, Error, RegistryExt, TenantContext, TenantRegistry, TenantSlug};
use tenancy_testkit::{PgCluster, PgDatabase, RedisServer, TempFolder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt;

/// Leads that each tenant starts with.
pub(crate) const LEADS: usize = 30;

/// The tenants: two that share tables, one schema, one database.
pub(crate) const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// Runs a test over SQLite and over PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::postgres().await).await;
            })+
        }
    };
}

pub(crate) use on_both;

/// Where the tenants' data is, so that the program can be started again over it.
pub(crate) enum Place {
    Folder(TempFolder),
    Database(Box<PgDatabase>),
}

/// A running CRM.
pub(crate) struct World {
    app: Router,
    /// The cookie of each tenant's administrator.
    cookies: [String; 4],
    pub(crate) place: Place,
    pub(crate) tools: Tools,
    pub(crate) registry: Arc<dyn TenantRegistry>,
    /// The folder of files, where the tables are in a database.
    files: TempFolder,
    /// What caches and queues, if not memory and the database.
    pub(crate) redis: Option<RedisServer>,
    /// The worker stops when this is dropped.
    _stop: oneshot::Sender<()>,
    watch: RegistryWatch,
    /// The control plane, as operators and other requests change it.
    pub(crate) control: Control,
    /// The TXT records of the world.
    pub(crate) zone: Zone,
}

/// TXT records, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone(Arc<Mutex<HashMap<String, String>>>);

impl Zone {
    pub(crate) fn put(&self, name: &str, value: &str) {
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), value.to_owned());
    }
}

impl TxtLookup for Zone {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        let found = self.0.lock().unwrap().get(name).cloned();
        Box::pin(async move { Ok(found.into_iter().collect()) })
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The answer is a problem document of that status.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status.as_u16());
        problem
    }
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Folder(TempFolder::new().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        let database = PgCluster::shared().await.unwrap().database().await.unwrap();
        Self::Database(Box::new(database))
    }

    /// Starts the program here; dropping the future is pulling the plug.
    pub(crate) async fn start(&self, leads: usize) -> Result<Service, StartError> {
        let profiles: [Profile; 4] = ALL.map(|profile| profile.with_leads(leads));
        let quiet = |_: &str| {};
        match self {
            Self::Folder(folder) => start::embedded(folder.path(), &profiles, quiet).await,
            Self::Database(database) => {
                start::postgres(database.admin_options(), secret(), &profiles, quiet).await
            }
        }
    }
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        Self::at(Place::sqlite()).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(Place::postgres().await).await
    }

    /// With a Redis beside the tables.
    pub(crate) async fn redis() -> Self {
        let redis = RedisServer::start().await.unwrap();
        Self::with(Place::sqlite(), Some(redis)).await
    }

    /// Starts the program over a place; a second time it finds what is there.
    pub(crate) async fn at(place: Place) -> Self {
        Self::with(place, None).await
    }

    async fn with(place: Place, redis: Option<RedisServer>) -> Self {
        let service = place
            .start(LEADS)
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        let (files, secret) = (TempFolder::new().unwrap(), secret());
        let address = redis.as_ref().map(RedisServer::url);
        let tools = match &place {
            Place::Folder(folder) => Tools::open(folder.path(), None, address, &secret).await,
            Place::Database(database) => {
                let owner = database.admin_options();
                Tools::open(files.path(), Some(owner), address, &secret).await
            }
        };
        let tools = tools.unwrap_or_else(|error| panic!("{error:?}"));
        let Service {
            db,
            registry,
            identity,
            watch,
        } = service;
        let zone = Zone::default();
        let identity = identity.with_dns(zone.clone());
        let control = identity.control.clone();
        let (stop, stopping) = oneshot::channel::<()>();
        let working = worker::run(tools.clone(), db.clone(), Arc::clone(&registry), async {
            let _ = stopping.await;
        });
        tokio::spawn(working);
        let app = app::router(db, Arc::clone(&registry), identity, "localhost").unwrap();
        let mut world = Self {
            app: app.layer(Extension(tools.clone())),
            cookies: Default::default(),
            place,
            tools,
            registry,
            files,
            redis,
            _stop: stop,
            watch,
            control,
            zone,
        };
        for (i, profile) in ALL.iter().enumerate() {
            let cookie = world
                .sign_in(&host(profile.slug), "", &profile.admin(), DEMO_PASSWORD)
                .await;
            world.cookies[i] = cookie.expect("the administrator signs in");
        }
        world
    }

    /// Signs in; the cookie that a browser would send from now on, if the password was right.
    pub(crate) async fn sign_in(
        &self,
        host: &str,
        base: &str,
        email: &str,
        password: &str,
    ) -> Option<String> {
        let body = format!(
            "email={}&password={password}",
            email.replace('@', "%40").replace('+', "%2B")
        );
        let request = Request::post(format!("{base}/sign-in"))
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        (answer.status == StatusCode::SEE_OTHER).then(|| cookie.to_owned())
    }

    /// The application on a socket of its own.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = self.app.clone();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// The context of an operator at work on a tenant.
    pub(crate) async fn operator(&self, tenant: &str) -> TenantContext {
        let slug = TenantSlug::parse(tenant).unwrap();
        let tenant = self.registry.by_slug(&slug).await.unwrap();
        TenantContext::for_maintenance(tenant, Actor::user("operator"), "a test of who is who")
            .unwrap()
    }

    /// The cookie of a tenant's administrator.
    pub(crate) fn cookie(&self, tenant: &str) -> &str {
        let at = ALL.iter().position(|profile| profile.slug == tenant);
        at.map_or("", |at| &self.cookies[at])
    }

    /// Stops the program and starts it again.
    pub(crate) async fn again(self) -> Self {
        let Self {
            app,
            place,
            redis,
            watch,
            ..
        } = self;
        drop((app, watch));
        Self::with(place, redis).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self
            .app
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A request to a tenant's host, without a body.
    pub(crate) async fn bare(&self, tenant: &str, method: Method, path: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, self.cookie(tenant))
            .header(header::HOST, host(tenant));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> Answer {
        self.bare(tenant, Method::GET, path).await
    }

    /// A request with a JSON body.
    pub(crate) async fn json(
        &self,
        tenant: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, self.cookie(tenant))
            .header(header::HOST, host(tenant));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    /// A form as a browser sends it: `name=value&…`, encoded already.
    pub(crate) async fn form(&self, tenant: &str, path: &str, body: &str) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, host(tenant))
            .header(header::COOKIE, self.cookie(tenant))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// A form with a file in it, as a browser sends it.
    pub(crate) async fn upload(&self, tenant: &str, path: &str, name: &str, text: &str) -> Answer {
        let body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n{text}\r\n--edge--\r\n"
        );
        let request = Request::post(path)
            .header(header::HOST, host(tenant))
            .header(header::COOKIE, self.cookie(tenant))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Where files are, below the folders of all tenants.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        match &self.place {
            Place::Folder(folder) => folder.join("files"),
            Place::Database(_) => self.files.join("files"),
        }
    }

    /// Adds a lead and says its id.
    pub(crate) async fn add(&self, tenant: &str, name: &str) -> String {
        let body =
            serde_json::json!({ "name": name, "email": "probe@example.com", "status": "open" });
        let answer = self.json(tenant, Method::POST, "/api/leads", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), format!("/api/leads/{id}"));
        id
    }

    /// How many leads a tenant has.
    pub(crate) async fn count(&self, tenant: &str) -> u64 {
        self.get(tenant, "/api/reports/pipeline").await.json()["total"]
            .as_u64()
            .unwrap()
    }
}

fn secret() -> Secret {
    Secret::new("a secret of the tests, and of them alone").unwrap()
}

pub(crate) fn host(tenant: &str) -> String {
    format!("{tenant}.localhost:3000")
}
