//! [`Bearer`]: the one bearer credential of a request.

use http::{HeaderMap, header};

use crate::Problem;

/// What stands behind `Authorization: Bearer`.
pub(super) struct Bearer<'a>(&'a str);

impl<'a> Bearer<'a> {
    /// Reads it. Another scheme is no credential of ours; two `Authorization` headers are refused, since whatever is in front
    /// of us may have believed the other one.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value,
            (Some(_), Some(_)) => {
                tracing::info!("more than one authorization header");
                return Err(Problem::unauthorized());
            }
        };
        let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
            return Ok(None);
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        let text = rest.trim_matches(' ');
        if text.is_empty() {
            tracing::info!("empty bearer credential");
            return Err(Problem::unauthorized());
        }
        Ok(Some(Self(text)))
    }

    pub(super) fn text(&self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_or_none() {
        let check = |values: &[&str], expect: Result<Option<&str>, ()>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            let found = Bearer::read(&headers)
                .map(|bearer| bearer.map(|bearer| bearer.text().to_owned()))
                .map_err(drop);
            assert_eq!(
                found,
                expect.map(|text| text.map(str::to_owned)),
                "{values:?}"
            );
        };
        check(&[], Ok(None));
        check(&["Bearer abc"], Ok(Some("abc")));
        check(&["bearer   abc"], Ok(Some("abc")));
        check(&["BEARER abc"], Ok(Some("abc")));
        check(&["Basic abc"], Ok(None));
        check(&["abc"], Ok(None));
        check(&["Bearer "], Err(()));
        check(&["Bearer a", "Bearer a"], Err(()));
        check(&["Basic a", "Bearer b"], Err(()));
    }
}
