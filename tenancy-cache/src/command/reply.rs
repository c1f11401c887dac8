//! Takes the prefix out of answers that repeat keys. A key of somebody else, or a shape we don't know, is an error.

use deadpool_redis::redis::Value;

use super::review::Reply;
use crate::Error;
use crate::keyspace::Prefix;

impl Reply {
    /// The answer as the tenant should see it.
    pub(crate) fn strip(self, value: Value, prefix: &Prefix) -> Result<Value, Error> {
        if self == Self::Plain {
            return Ok(value);
        }
        match value {
            Value::Nil | Value::ServerError(_) => Ok(value),
            Value::Attribute { data, .. } => self.strip(*data, prefix),
            value => self.strip_present(value, prefix),
        }
    }

    fn strip_present(self, value: Value, prefix: &Prefix) -> Result<Value, Error> {
        match (self, value) {
            (Self::Page, Value::Array(page)) => match <[Value; 2]>::try_from(page) {
                Ok([cursor, keys]) => {
                    Ok(Value::Array(vec![cursor, Self::List.strip(keys, prefix)?]))
                }
                Err(_) => Err(Error::Reply),
            },
            (Self::List, Value::Array(keys)) => each(keys, prefix).map(Value::Array),
            (Self::List, Value::Set(keys)) => each(keys, prefix).map(Value::Set),
            (Self::First, Value::Array(mut parts)) => {
                let first = parts.first_mut().ok_or(Error::Reply)?;
                *first = key(std::mem::take(first), prefix)?;
                Ok(Value::Array(parts))
            }
            (Self::Streams, Value::Map(streams)) => streams
                .into_iter()
                .map(|(name, entries)| Ok((key(name, prefix)?, entries)))
                .collect::<Result<_, Error>>()
                .map(Value::Map),
            (Self::Streams, Value::Array(streams)) => streams
                .into_iter()
                .map(|stream| Self::First.strip_present(stream, prefix))
                .collect::<Result<_, Error>>()
                .map(Value::Array),
            _ => Err(Error::Reply),
        }
    }
}

fn each(keys: Vec<Value>, prefix: &Prefix) -> Result<Vec<Value>, Error> {
    keys.into_iter().map(|value| key(value, prefix)).collect()
}

fn key(value: Value, prefix: &Prefix) -> Result<Value, Error> {
    match value {
        Value::BulkString(bytes) => match prefix.strip(&bytes) {
            Some(stripped) => Ok(Value::BulkString(stripped.to_vec())),
            None => Err(Error::Reply),
        },
        Value::SimpleString(text) => match prefix.strip(text.as_bytes()) {
            Some(stripped) => Ok(Value::BulkString(stripped.to_vec())),
            None => Err(Error::Reply),
        },
        _ => Err(Error::Reply),
    }
}
