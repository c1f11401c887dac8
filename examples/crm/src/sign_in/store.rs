//! The statements over credentials and invitations.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::password;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// How long an invitation can be accepted: a week.
const INVITATION: i64 = 7 * 24 * 3600;

/// A user who may sign in, and the hash of their password.
pub(super) async fn credential(db: &Db, email: &str) -> Result<Option<(Uuid, String)>, AppError> {
    Ok(on_db!(db, pool => sqlx::query_as(
        "SELECT u.id, c.password FROM users AS u JOIN credentials AS c ON c.id = u.id \
         WHERE u.email = $1 AND u.status = 'active'",
    )
    .bind(email)
    .fetch_optional(pool)
    .await)?)
}

/// Gives an active user without a password this one. For the demonstration's first users.
pub async fn seed(db: &Db, email: &str, password: &str) -> Result<(), AppError> {
    let id: Option<Uuid> = on_db!(db, pool => sqlx::query_scalar(
        "SELECT u.id FROM users AS u LEFT JOIN credentials AS c ON c.id = u.id \
         WHERE u.email = $1 AND u.status = 'active' AND c.id IS NULL",
    )
    .bind(email)
    .fetch_optional(pool)
    .await)?;
    let Some(id) = id else { return Ok(()) };
    let hash = password::hash(password.to_owned()).await?;
    on_db!(db, pool => sqlx::query("INSERT INTO credentials (id, password, changed_at) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(hash)
        .bind(clock::now())
        .execute(pool)
        .await
        .map(drop))?;
    Ok(())
}

/// Makes the secret of an invitation link for a user who was invited; older links of theirs end.
pub async fn invitation(db: &Db, email: &str) -> Result<String, AppError> {
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        let user: Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = $1 AND status = 'invited'")
            .bind(email).fetch_one(&mut tx).await?;
        sqlx::query("DELETE FROM invitations WHERE user_id = $1").bind(user).execute(&mut tx).await?;
        sqlx::query("INSERT INTO invitations (id, user_id, ends_at) VALUES ($1, $2, $3)")
            .bind(digest(&secret)).bind(user).bind(clock::now() + INVITATION).execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(secret)
}

/// Whom an invitation is for, if it can still be accepted.
pub(super) async fn invited(db: &Db, secret: &str) -> Result<Option<(Uuid, String)>, AppError> {
    Ok(on_db!(db, pool => sqlx::query_as(
        "SELECT u.id, u.name FROM users AS u JOIN invitations AS i ON i.user_id = u.id \
         WHERE i.id = $1 AND i.ends_at > $2 AND u.status = 'invited'",
    )
    .bind(digest(secret))
    .bind(clock::now())
    .fetch_optional(pool)
    .await)?)
}

/// Accepts an invitation: the user has a password and is active, and no link of theirs works any more. `None` if somebody
/// was faster.
pub(super) async fn accept(db: &Db, secret: &str, hash: &str) -> Result<Option<Uuid>, AppError> {
    let Some((user, _)) = invited(db, secret).await? else {
        return Ok(None);
    };
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        let used = sqlx::query("DELETE FROM invitations WHERE id = $1")
            .bind(digest(secret)).execute(&mut tx).await?.rows_affected();
        if used == 0 {
            return Ok(None);
        }
        sqlx::query("DELETE FROM invitations WHERE user_id = $1").bind(user).execute(&mut tx).await?;
        sqlx::query("DELETE FROM credentials WHERE id = $1").bind(user).execute(&mut tx).await?;
        sqlx::query("INSERT INTO credentials (id, password, changed_at) VALUES ($1, $2, $3)")
            .bind(user).bind(hash).bind(clock::now()).execute(&mut tx).await?;
        sqlx::query("UPDATE users SET status = 'active' WHERE id = $1 AND status = 'invited'")
            .bind(user).execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(Some(user))
}

/// Takes away what a user could sign in with.
pub async fn forget(db: &Db, user: Uuid) -> Result<(), AppError> {
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        sqlx::query("DELETE FROM credentials WHERE id = $1").bind(user).execute(&mut tx).await?;
        sqlx::query("DELETE FROM invitations WHERE user_id = $1").bind(user).execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

/// What the table keeps of a link's secret.
fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
