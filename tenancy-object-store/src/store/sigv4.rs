//! AWS signature version 4 with the length of the body in it. The address is signed by `object_store` first, which knows
//! endpoint, region and time; here the length is added to what was signed, and the signature made again.

use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{Method, Signer, Url};
use object_store::{Error, Result};
use sha2::{Digest, Sha256};

use super::grant::SizedSigner;
use crate::seal::hex;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SizedSigner for AmazonS3 {
    async fn signed_put(
        &self,
        path: &Path,
        size: u64,
        content_type: Option<&str>,
        expires_in: Duration,
    ) -> Result<Url> {
        let unsized_url = self.signed_url(Method::PUT, path, expires_in).await?;
        let credential = self.credentials().get_credential().await?;
        let mut headers = vec![("content-length", size.to_string())];
        headers.extend(content_type.map(|text| ("content-type", one_space(text))));
        resign(
            unsized_url,
            &credential.key_id,
            &credential.secret_key,
            headers,
        )
        .ok_or_else(|| failed("the address can't be signed again; try again"))
    }
}

fn failed(why: &'static str) -> Error {
    Error::Generic {
        store: "S3",
        source: why.into(),
    }
}

/// Values are signed with single spaces.
fn one_space(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// `None` if the address is not one that S3 signs, or was signed with other credentials, which were replaced meanwhile.
fn resign(
    mut url: Url,
    key_id: &str,
    secret: &str,
    mut headers: Vec<(&'static str, String)>,
) -> Option<Url> {
    let host = match (url.host_str()?, url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    headers.push(("host", host));
    headers.sort();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");

    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    query.retain(|(name, _)| name != "X-Amz-Signature");
    let value = |name: &str| {
        query
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    };
    let date = value("X-Amz-Date")?;
    let credential = value("X-Amz-Credential")?;
    let scope = credential
        .strip_prefix(key_id)?
        .strip_prefix('/')?
        .to_owned();
    query
        .iter_mut()
        .find(|(name, _)| name == "X-Amz-SignedHeaders")?
        .1
        .clone_from(&names);
    query.sort();

    let canonical_query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let canonical_query = canonical_query.join("&");
    let canonical_headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let request = format!(
        "PUT\n{}\n{canonical_query}\n{canonical_headers}\n{names}\nUNSIGNED-PAYLOAD",
        url.path()
    );
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(request))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = keyed(&key, part)?;
    }
    let signature = hex(&keyed(&key, &to_sign)?);
    url.set_query(Some(&format!(
        "{canonical_query}&X-Amz-Signature={signature}"
    )));
    Some(url)
}

fn keyed(key: &[u8], text: &str) -> Option<Vec<u8>> {
    let mac: Hmac<Sha256> = Hmac::new_from_slice(key).ok()?;
    Some(mac.chain_update(text).finalize().into_bytes().to_vec())
}

/// Everything but unreserved characters, as the signature wants it.
fn encoded(text: &str) -> String {
    use std::fmt::Write;

    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the AWS documentation, "Authenticating Requests: Using Query Parameters", is a GET without a length;
    /// with the same inputs the same steps give its signature.
    #[test]
    fn the_steps_give_the_documented_signature() {
        let request = "GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD";
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{}",
            hex(&Sha256::digest(request))
        );
        let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec();
        for part in ["20130524", "us-east-1", "s3", "aws4_request"] {
            key = keyed(&key, part).unwrap();
        }
        assert_eq!(
            hex(&keyed(&key, &to_sign).unwrap()),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn what_was_signed_by_somebody_else_is_not_signed_again() {
        let url = |query: &str| Url::parse(&format!("http://localhost:9000/b/k?{query}")).unwrap();
        let whole = "X-Amz-Credential=me%2F20130524%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host";
        assert!(resign(url(whole), "me", "s", Vec::new()).is_some());
        assert!(resign(url(whole), "m", "s", Vec::new()).is_none());
        assert!(resign(url("X-Amz-Date=1"), "me", "s", Vec::new()).is_none());
    }
}
