//! The calls into SQLite: one function and one authorizer for a connection. Everything unsafe is here and nothing else is;
//! what is allowed is decided in `policy`, in safe code. The contracts relied upon are listed at the top of this crate.
#![expect(
    unsafe_code,
    reason = "sqlx has no safe way to set an authorizer or to add a function"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libsqlite3_sys as sqlite;
use sqlx::sqlite::LockedSqliteHandle;

use crate::policy::Call;
use crate::state::{Key, State};

/// Gives a connection the function `name()`, which returns the tenant of `state`, and an authorizer that asks `state`.
///
/// The connection keeps `state` alive until it is closed.
///
/// # Errors
/// The result code of SQLite.
pub(crate) fn install(
    handle: &mut LockedSqliteHandle<'_>,
    name: &CStr,
    state: &Arc<State>,
) -> Result<(), c_int> {
    let connection = handle.as_raw_handle().as_ptr();
    let data = Arc::into_raw(Arc::clone(state)).cast::<c_void>().cast_mut();
    // SAFETY: `connection` is open, and no other thread uses it while `handle` is borrowed. `name` ends in NUL. `data` comes
    // from `Arc::into_raw` of a `State` and is passed to `tenant` and `release`, which take it for that. SQLite calls `release`
    // once: when the connection is closed, or at once if this call fails; so the count taken above is given back once.
    let code = unsafe {
        sqlite::sqlite3_create_function_v2(
            connection,
            name.as_ptr(),
            0,
            // Not deterministic: the answer of a prepared statement is another one for the next tenant. Innocuous: it has no
            // effect and tells a tenant no more than its own id, and the authorizer decides who may call it.
            sqlite::SQLITE_UTF8 | sqlite::SQLITE_INNOCUOUS,
            data,
            Some(tenant),
            None,
            None,
            Some(release),
        )
    };
    if code != sqlite::SQLITE_OK {
        return Err(code);
    }
    // SAFETY: as above; `authorize` takes `data` for a `State`. It stays one for as long as the connection can call
    // `authorize`: the function above holds it, goes only with the connection, and nobody else knows its name or has the
    // handle to replace it.
    let code = unsafe { sqlite::sqlite3_set_authorizer(connection, Some(authorize), data) };
    if code == sqlite::SQLITE_OK {
        Ok(())
    } else {
        Err(code)
    }
}

/// `xDestroy`: the connection lets go of the state.
///
/// # Safety
/// `data` is the pointer that [`install`] made, and this is the only call with it.
unsafe extern "C" fn release(data: *mut c_void) {
    // SAFETY: by the contract of this function it is from `Arc::into_raw`, and its count has not been given back.
    let state = unsafe { Arc::from_raw(data.cast_const().cast::<State>()) };
    // Dropping it frees memory and runs no code that could panic.
    drop(state);
}

/// `xFunc`: the tenant, or NULL if there is none.
///
/// # Safety
/// SQLite calls it with a context of the function that [`install`] made.
unsafe extern "C" fn tenant(
    context: *mut sqlite::sqlite3_context,
    _count: c_int,
    _values: *mut *mut sqlite::sqlite3_value,
) {
    // SAFETY: `context` is valid during the call.
    let data = unsafe { sqlite::sqlite3_user_data(context) };
    // SAFETY: the user data is the state of `install`, which the function keeps alive while it can be called; all access to
    // it is shared and `State` is `Sync`.
    let state = unsafe { &*data.cast_const().cast::<State>() };
    let key = catch_unwind(AssertUnwindSafe(|| state.key()));
    match key {
        Ok(Ok(Some(Key::Integer(number)))) => {
            // SAFETY: `context` is valid during the call.
            unsafe { sqlite::sqlite3_result_int64(context, number) };
        }
        Ok(Ok(Some(Key::Text(text)))) => match c_int::try_from(text.len()) {
            Ok(length) => {
                // SAFETY: `length` bytes are readable at the pointer, and SQLITE_TRANSIENT has SQLite copy them at once.
                unsafe {
                    sqlite::sqlite3_result_text(
                        context,
                        text.as_ptr().cast::<c_char>(),
                        length,
                        sqlite::SQLITE_TRANSIENT(),
                    );
                }
            }
            Err(_too_long) => fail(context),
        },
        Ok(Ok(Some(Key::Blob(bytes)))) => match c_int::try_from(bytes.len()) {
            Ok(length) => {
                // SAFETY: `length` bytes are readable at the pointer, and SQLITE_TRANSIENT has SQLite copy them at once.
                unsafe {
                    sqlite::sqlite3_result_blob(
                        context,
                        bytes.as_ptr().cast::<c_void>(),
                        length,
                        sqlite::SQLITE_TRANSIENT(),
                    );
                }
            }
            Err(_too_long) => fail(context),
        },
        Ok(Ok(None)) => {
            // SAFETY: `context` is valid during the call.
            unsafe { sqlite::sqlite3_result_null(context) };
        }
        Ok(Err(_)) | Err(_) => fail(context),
    }
}

/// Ends the statement with an error.
fn fail(context: *mut sqlite::sqlite3_context) {
    // SAFETY: only `tenant` calls this, with the context of its own call.
    unsafe { sqlite::sqlite3_result_error_code(context, sqlite::SQLITE_INTERNAL) };
}

/// `xAuth`: `SQLITE_OK` or `SQLITE_DENY`. It neither uses the connection nor changes anything of SQLite's.
///
/// # Safety
/// `data` is the pointer that [`install`] made and still valid; the others are NULL or strings that end in NUL.
unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    accessor: *const c_char,
) -> c_int {
    // SAFETY: by the contract of this function; access is shared and `State` is `Sync`.
    let state = unsafe { &*data.cast_const().cast::<State>() };
    let call = Call {
        action,
        // SAFETY: by the contract of this function.
        first: unsafe { text(first) },
        // SAFETY: by the contract of this function.
        second: unsafe { text(second) },
        // SAFETY: by the contract of this function.
        schema: unsafe { text(schema) },
        // SAFETY: by the contract of this function.
        accessor: unsafe { text(accessor) },
    };
    match catch_unwind(AssertUnwindSafe(|| state.authorize(&call))) {
        Ok(true) => sqlite::SQLITE_OK,
        Ok(false) | Err(_) => sqlite::SQLITE_DENY,
    }
}

/// The text at a pointer, as bytes; `None` for NULL.
///
/// # Safety
/// NULL, or a string that ends in NUL and stays as it is for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function.
    let text = unsafe { CStr::from_ptr(pointer) };
    Some(text.to_bytes())
}
