//! The statements over users.

use uuid::Uuid;

use super::model::{Invitation, Owner, User};
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;
use crate::tables::UserRow;

/// Every user with the number of their leads, by name.
pub async fn all(db: &Db) -> Result<Vec<User>, AppError> {
    let users = on_db!(db, pool => sqlx::query_as::<_, User>(
        "SELECT u.id, u.name, u.email, u.role, u.status, u.invited_at, count(l.id) AS leads \
         FROM users AS u LEFT JOIN leads AS l ON l.owner_id = u.id \
         GROUP BY u.id, u.name, u.email, u.role, u.status, u.invited_at ORDER BY lower(u.name), u.id",
    )
    .fetch_all(pool)
    .await)?;
    Ok(users)
}

/// The users a lead may be given to, by name.
pub async fn active(db: &Db) -> Result<Vec<Owner>, AppError> {
    let owners = on_db!(db, pool => sqlx::query_as::<_, Owner>(
        "SELECT id, name FROM users WHERE status <> 'revoked' ORDER BY lower(name), id",
    )
    .fetch_all(pool)
    .await)?;
    Ok(owners)
}

/// Whether a lead may go from one owner to another: to one who is there and not revoked, or stay where it is.
pub async fn check_owner(
    db: &Db,
    before: Option<Uuid>,
    after: Option<Uuid>,
) -> Result<(), AppError> {
    let Some(id) = after else { return Ok(()) };
    if before == after {
        return Ok(());
    }
    let may_own = on_db!(db, pool => UserRow::filter("id = $1 AND status <> 'revoked'").bind(id).exists(pool).await)?;
    if may_own {
        Ok(())
    } else {
        Err(AppError::field("owner_id", "Choose one of your users."))
    }
}

/// Invites somebody, or invites them again after they were revoked. An address that is in already is refused.
pub async fn invite(db: &Db, invitation: &Invitation) -> Result<(), AppError> {
    let at = clock::now();
    let again = on_db!(db, pool => sqlx::query(
        "UPDATE users SET name = $2, role = $3, status = 'invited', invited_at = $4 WHERE email = $1 AND status = 'revoked'",
    )
    .bind(&invitation.email)
    .bind(&invitation.name)
    .bind(invitation.role)
    .bind(at)
    .execute(pool)
    .await
    .map(|done| done.rows_affected()))?;
    if again > 0 {
        return Ok(());
    }
    let user = UserRow {
        id: Uuid::now_v7(),
        name: invitation.name.clone(),
        email: invitation.email.clone(),
        role: invitation.role.to_owned(),
        status: "invited".to_owned(),
        invited_at: at,
    };
    let added = on_db!(db, pool => user.insert().execute(pool).await).map_err(AppError::from);
    match added {
        Err(error) if error.is_duplicate() => Err(AppError::field(
            "email",
            "This address has been invited already.",
        )),
        other => other,
    }
}

/// Takes somebody's access away. Their leads stay theirs until given to another.
pub async fn revoke(db: &Db, id: Uuid) -> Result<(), AppError> {
    let revoked = on_db!(db, pool => sqlx::query("UPDATE users SET status = 'revoked' WHERE id = $1")
        .bind(id)
        .execute(pool)
        .await
        .map(|done| done.rows_affected()))?;
    if revoked == 0 {
        Err(AppError::NotFound)
    } else {
        Ok(())
    }
}
