//! [`Writer`]: somebody who reads and writes where the queue is, past it: tables in two databases, keys in the third.

use std::collections::HashMap;

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use tenancy_cache::redis::{AsyncConnectionConfig, Client, Script, cmd};

/// A job as it lies in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) queue: String,
    pub(crate) tenant: String,
    /// 0 waits, 1 runs, 2 is dead, 3 is done.
    pub(crate) state: i64,
    pub(crate) run_at: i64,
    pub(crate) attempt: i64,
    pub(crate) max_attempts: i64,
    pub(crate) lease_by: Option<String>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) key: Option<String>,
    pub(crate) body: String,
    pub(crate) signer: String,
    pub(crate) mark: Vec<u8>,
    pub(crate) error: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

/// Somebody who can write to the queue and has no key.
#[derive(Clone)]
pub(crate) enum Writer {
    Pg(PgPool),
    Sqlite(SqlitePool),
    Redis(RedisWriter),
}

const SELECT: &str = "SELECT id, queue, tenant, state, run_at, attempt, max_attempts, lease_by, lease_until, name, version, key, body, \
     signer, mark, error, created_at, changed_at FROM jobs ORDER BY id";

const UPDATE: &str = "UPDATE jobs SET id = $1, queue = $2, tenant = $3, state = $4, run_at = $5, attempt = $6, max_attempts = $7, \
     lease_by = $8, lease_until = $9, name = $10, version = $11, key = $12, body = $13, signer = $14, mark = $15, error = $16, \
     created_at = $17, changed_at = $18 WHERE id = $19 AND state = $20 AND attempt = $21";

const INSERT: &str = "INSERT INTO jobs (id, queue, tenant, state, run_at, attempt, max_attempts, lease_by, lease_until, name, version, \
     key, body, signer, mark, error, created_at, changed_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

const SCHEDULE: &str = "UPDATE schedules SET done_at = $1 WHERE name = $2";

/// On a pool of either database.
macro_rules! in_sql {
    ($self:ident, $pool:ident => $sql:expr, $redis:ident => $otherwise:expr) => {
        match $self {
            Writer::Pg($pool) => $sql,
            Writer::Sqlite($pool) => $sql,
            Writer::Redis($redis) => $otherwise,
        }
    };
}

macro_rules! row_of {
    ($row:expr) => {{
        use sqlx::Row as _;
        let row = $row;
        Row {
            id: row.get(0),
            queue: row.get(1),
            tenant: row.get(2),
            state: row.get(3),
            run_at: row.get(4),
            attempt: row.get(5),
            max_attempts: row.get(6),
            lease_by: row.get(7),
            lease_until: row.get(8),
            name: row.get(9),
            version: row.get(10),
            key: row.get(11),
            body: row.get(12),
            signer: row.get(13),
            mark: row.get(14),
            error: row.get(15),
            created_at: row.get(16),
            changed_at: row.get(17),
        }
    }};
}

macro_rules! bound {
    ($sql:expr, $row:expr) => {{
        let row = $row.clone();
        let query = sqlx::query($sql)
            .bind(row.id)
            .bind(row.queue)
            .bind(row.tenant)
            .bind(row.state);
        let query = query
            .bind(row.run_at)
            .bind(row.attempt)
            .bind(row.max_attempts);
        let query = query
            .bind(row.lease_by)
            .bind(row.lease_until)
            .bind(row.name)
            .bind(row.version);
        let query = query
            .bind(row.key)
            .bind(row.body)
            .bind(row.signer)
            .bind(row.mark);
        query
            .bind(row.error)
            .bind(row.created_at)
            .bind(row.changed_at)
    }};
}

impl Writer {
    /// All jobs, by id.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        in_sql!(self,
            pool => {
                let rows = sqlx::query(SELECT).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row_of!(row)).collect()
            },
            redis => redis.rows().await)
    }

    /// How many there are like this.
    pub(crate) async fn count(&self, which: impl Fn(&Row) -> bool) -> usize {
        self.rows().await.into_iter().filter(which).count()
    }

    /// How many are in one of these states, without reading them all.
    pub(crate) async fn count_states(&self, states: std::ops::RangeInclusive<i64>) -> usize {
        let (low, high) = states.into_inner();
        let sql = "SELECT count(*) FROM jobs WHERE state BETWEEN $1 AND $2";
        let count: i64 = in_sql!(self,
            pool => sqlx::query_scalar(sql).bind(low).bind(high).fetch_one(pool).await.unwrap(),
            redis => redis.count(low, high).await);
        usize::try_from(count).unwrap()
    }

    /// Changes the jobs that are so, and are not taken out or put back meanwhile; says how many.
    pub(crate) async fn edit(
        &self,
        which: impl Fn(&Row) -> bool,
        change: impl Fn(&mut Row),
    ) -> usize {
        let mut edited = 0;
        for was in self.rows().await.into_iter().filter(which) {
            let mut row = was.clone();
            change(&mut row);
            edited += in_sql!(self,
                pool => {
                    let query = bound!(UPDATE, row).bind(was.id).bind(was.state).bind(was.attempt);
                    query.execute(pool).await.unwrap().rows_affected()
                },
                redis => redis.put(Some(&was), &row).await);
        }
        usize::try_from(edited).unwrap()
    }

    /// Puts one there.
    pub(crate) async fn insert(&self, row: Row) {
        in_sql!(self,
            pool => {
                bound!(INSERT, row).execute(pool).await.unwrap();
            },
            redis => assert_eq!(redis.put(None, &row).await, 1));
    }

    /// Has a schedule be done up to this time.
    pub(crate) async fn schedule(&self, name: &str, done_at: i64) {
        in_sql!(self,
        pool => {
            let query = sqlx::query(SCHEDULE).bind(done_at).bind(name.to_owned());
            assert_eq!(query.execute(pool).await.unwrap().rows_affected(), 1);
        },
        redis => {
            let mut set = cmd("HSET");
            set.arg(redis.at("schedules")).arg(name).arg(done_at);
            let () = set.query_async(&mut redis.connection().await).await.unwrap();
        });
    }
}

/// Of the keys below a root.
#[derive(Clone)]
pub(crate) struct RedisWriter {
    pub(crate) client: Client,
    pub(crate) root: String,
}

/// What the queue itself knows of its keys.
const LANES: &str = concat!(
    include_str!("../../src/store/redis/lua/lanes.lua"),
    include_str!("../../src/store/redis/lua/jobs.lua")
);

const ROWS: &str = "
local found = {}
for _, at in ipairs(redis.call('KEYS', KEYS[1] .. 'job:*')) do
  local fields = redis.call('HGETALL', at)
  local id = string.sub(at, #KEYS[1] + 5)
  fields[#fields + 1] = 'id'
  fields[#fields + 1] = id
  local queue = redis.call('HGET', at, 'queue')
  local ends = queue and redis.call('ZSCORE', KEYS[1] .. 'leases:' .. queue, id)
  if ends then
    fields[#fields + 1] = 'lease_until'
    fields[#fields + 1] = ends
  end
  found[#found + 1] = fields
end
return found";

const COUNT: &str = "
local found = 0
for _, at in ipairs(redis.call('KEYS', KEYS[1] .. 'job:*')) do
  local state = tonumber(redis.call('HGET', at, 'state'))
  if state >= tonumber(ARGV[1]) and state <= tonumber(ARGV[2]) then found = found + 1 end
end
return found";

/// The old id, state, attempt, queue and tenant, or nothing; the new id, queue, tenant, state, run_at, lease_until; fields.
const PUT: &str = "
local old = ARGV[1]
if old ~= '' then
  local job = call('HMGET', job_at(old), 'state', 'attempt')
  if job[1] ~= ARGV[2] or job[2] ~= ARGV[3] then return 0 end
  local queue, tenant = ARGV[4], ARGV[5]
  release(old, queue, tenant)
  for _, at in ipairs({waiting_at(queue, tenant), dead_at(queue, tenant), done_at}) do call('ZREM', at, old) end
  forget(old)
  place(queue, tenant)
end
local id, queue, tenant, state = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local key
for at = 12, #ARGV, 2 do
  call('HSET', job_at(id), ARGV[at], ARGV[at + 1])
  if ARGV[at] == 'key' then key = ARGV[at + 1] end
end
if key then call('SET', key_at(tenant, call('HGET', job_at(id), 'name'), key), id) end
call('SADD', lanes_at(queue), tenant)
call('HSETNX', queues_at, queue, 0)
if state == '0' then call('ZADD', waiting_at(queue, tenant), ARGV[10], id) end
if state == '1' then
  call('ZADD', leases_at(queue), ARGV[11], id)
  call('SADD', running_at(queue, tenant), id)
  call('HSET', job_at(id), 'lane', tenant)
end
if state == '2' then call('ZADD', dead_at(queue, tenant), now, id) end
if state == '3' then call('ZADD', done_at, now, id) end
place(queue, tenant)
return 1";

impl RedisWriter {
    pub(crate) fn at(&self, what: &str) -> String {
        format!("{}{what}", self.root)
    }

    pub(crate) async fn connection(&self) -> tenancy_cache::redis::aio::MultiplexedConnection {
        // A busy machine is no reason to give up.
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&patient);
        connecting.await.unwrap()
    }

    async fn rows(&self) -> Vec<Row> {
        let script = Script::new(ROWS);
        let found: Vec<HashMap<String, Vec<u8>>> = script
            .key(&self.root)
            .invoke_async(&mut self.connection().await)
            .await
            .unwrap();
        let mut rows: Vec<Row> = found.into_iter().map(read).collect();
        rows.sort();
        rows
    }

    async fn count(&self, low: i64, high: i64) -> i64 {
        let script = Script::new(COUNT);
        let mut script = script.key(&self.root);
        script.arg(low).arg(high);
        script
            .invoke_async(&mut self.connection().await)
            .await
            .unwrap()
    }

    async fn put(&self, was: Option<&Row>, row: &Row) -> u64 {
        let script = Script::new(&format!("{LANES}{PUT}"));
        let mut script = script.key(&self.root);
        match was {
            Some(was) => script
                .arg(&was.id)
                .arg(was.state)
                .arg(was.attempt)
                .arg(&was.queue)
                .arg(&was.tenant),
            None => script.arg("").arg("").arg("").arg("").arg(""),
        };
        script
            .arg(&row.id)
            .arg(&row.queue)
            .arg(&row.tenant)
            .arg(row.state);
        script
            .arg(row.run_at)
            .arg(row.lease_until.unwrap_or_default());
        script
            .arg("queue")
            .arg(&row.queue)
            .arg("tenant")
            .arg(&row.tenant)
            .arg("state")
            .arg(row.state);
        script
            .arg("run_at")
            .arg(row.run_at)
            .arg("attempt")
            .arg(row.attempt);
        script
            .arg("max_attempts")
            .arg(row.max_attempts)
            .arg("name")
            .arg(&row.name);
        script
            .arg("version")
            .arg(row.version)
            .arg("body")
            .arg(&row.body)
            .arg("signer")
            .arg(&row.signer);
        script.arg("mark").arg(row.mark.as_slice());
        script
            .arg("created_at")
            .arg(row.created_at)
            .arg("changed_at")
            .arg(row.changed_at);
        for (field, value) in [
            ("lease_by", &row.lease_by),
            ("key", &row.key),
            ("error", &row.error),
        ] {
            if let Some(value) = value {
                script.arg(field).arg(value);
            }
        }
        script
            .invoke_async(&mut self.connection().await)
            .await
            .unwrap()
    }
}

fn read(mut fields: HashMap<String, Vec<u8>>) -> Row {
    let mark = fields.remove("mark").unwrap_or_default();
    let maybe = |field: &str| {
        let bytes = fields.get(field)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let text = |field: &str| maybe(field).unwrap_or_default();
    let number = |field: &str| text(field).parse().unwrap_or_default();
    Row {
        id: text("id"),
        queue: text("queue"),
        tenant: text("tenant"),
        state: number("state"),
        run_at: number("run_at"),
        attempt: number("attempt"),
        max_attempts: number("max_attempts"),
        lease_by: maybe("lease_by"),
        lease_until: maybe("lease_until").map(|text| text.parse::<f64>().unwrap() as i64),
        name: text("name"),
        version: number("version"),
        key: maybe("key"),
        body: text("body"),
        signer: text("signer"),
        error: maybe("error"),
        created_at: number("created_at"),
        changed_at: number("changed_at"),
        mark,
    }
}
