//! The roles of tenants: one that can't log in for a schema, one that can for a database.

use super::super::quote::{block, ident, text};

/// A statement that makes the role of a schema of its own and lends it to the application role.
///
/// The role can't log in and inherits nothing. The application role becomes a member that must say `SET ROLE`, which the pool
/// does in the message that opens each transaction; without it the member has none of the role's rights, since it is
/// `NOINHERIT` (and, from PostgreSQL 16 on, the grant itself says `INHERIT FALSE`).
///
/// Roles are shared by all databases of a server. A role of this name that exists is taken over only if it has no special
/// rights and belongs to no other member than the application role and whoever runs this; otherwise the statement fails.
///
/// Can be run again.
///
/// # Example: reading what will be run
/// ```
/// let sql = tenancy_sqlx::walls::postgres::schema_role("tenant_t_acme", "crm_app");
/// assert!(sql.contains(r#"CREATE ROLE "tenant_t_acme" NOLOGIN"#));
/// assert!(sql.contains("WITH INHERIT FALSE, SET TRUE"));
/// ```
pub fn schema_role(role: &str, app_role: &str) -> String {
    let (role_text, app_text) = (text(role), text(app_role));
    let (role, app) = (ident(role), ident(app_role));
    // The branch is taken by the server's version: PostgreSQL 15 has no options on a grant of membership.
    block(&format!(
        "BEGIN\n    \
             BEGIN\n        \
                 CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;\n    \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;\n    \
             END;\n    \
             IF EXISTS (SELECT FROM pg_roles WHERE rolname = {role_text}\n            \
                    AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication))\n       \
                OR EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = {role_text})\n    \
             THEN\n        \
                 RAISE EXCEPTION 'the role of this tenant exists and has rights of its own; remove it or choose another id' USING ERRCODE = 'duplicate_object';\n    \
             END IF;\n    \
             IF EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles w ON w.oid = m.member\n               \
                    WHERE r.rolname = {role_text} AND w.rolname NOT IN ({app_text}, current_user))\n    \
             THEN\n        \
                 RAISE EXCEPTION 'the role of this tenant belongs to another application of this server' USING ERRCODE = 'duplicate_object';\n    \
             END IF;\n    \
             IF current_setting('server_version_num')::int >= 160000 THEN\n        \
                 EXECUTE format('GRANT %I TO %I WITH INHERIT FALSE, SET TRUE', {role_text}, {app_text});\n    \
             ELSE\n        \
                 GRANT {role} TO {app};\n    \
             END IF;\n\
         END"
    ))
}

/// Makes the login role of a database of its own, or sets the password of one that is there.
///
/// `verifier` is the SCRAM verifier of the password, so that the password itself never reaches the server's log. The role
/// that runs this needs `CREATEROLE`.
pub(crate) fn login_role(role: &str, verifier: Option<&str>) -> String {
    let role_text = text(role);
    let role = ident(role);
    let password = verifier.map_or_else(
        || "PASSWORD NULL".to_owned(),
        |v| format!("PASSWORD {}", text(v)),
    );
    block(&format!(
        "BEGIN\n    \
             BEGIN\n        \
                 CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT {password};\n    \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN\n        \
                 IF EXISTS (SELECT FROM pg_roles WHERE rolname = {role_text}\n                \
                        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication))\n           \
                    OR EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = {role_text})\n        \
                 THEN\n            \
                     RAISE EXCEPTION 'the role of this tenant exists and has rights of its own; remove it or choose another id' USING ERRCODE = 'duplicate_object';\n        \
                 END IF;\n        \
                 ALTER ROLE {role} LOGIN NOINHERIT {password};\n    \
             END;\n\
         END"
    ))
}
