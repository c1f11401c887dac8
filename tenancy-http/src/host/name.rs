//! [`Host`] and [`HostName`]: a host as a client wrote it, folded to the one spelling that may be compared.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The most bytes a name may have, without its trailing dot (RFC 1035, section 2.3.4, in text form).
pub(super) const MAX_NAME: usize = 253;
/// The most bytes one label may have.
const MAX_LABEL: usize = 63;

const DIGIT: u8 = 1;
const LOWER: u8 = 2;
const UPPER: u8 = 4;
/// No host name has it within a label.
const NEVER: u8 = 8;

/// What each byte is in a label.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const CLASS: [u8; 256] = {
    let mut class = [NEVER; 256];
    let mut byte = 0_u8;
    while byte.is_ascii() {
        class[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' | b'-' | b'_' => LOWER,
            b'A'..=b'Z' => UPPER,
            _ => NEVER,
        };
        byte += 1;
    }
    class
};

/// What a client wrote where a host belongs, after it proved to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    pub(super) name: HostKind<'a>,
    pub(super) port: Option<u16>,
}

/// The two things a well-formed host can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostKind<'a> {
    /// A name made of labels.
    Name(HostName<'a>),
    /// `192.0.2.1` or `[2001:db8::1]`: a host, but never a tenant's.
    Ip,
}

/// A folded host name. Always, because [`Host::parse`] is the only way to get one:
///
/// - 1 to 253 bytes of `[a-z0-9_-]` and dots: lower case, no port, no userinfo, no percent signs, nothing outside ASCII;
/// - labels of 1 to 63 bytes: no leading, trailing or doubled dot (the one trailing dot of a fully qualified name is cut off);
/// - not an IPv4 address.
///
/// Underscores pass, because DNS has such names; that they are no tenant's is for the slug's rules to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostName<'a>(Cow<'a, str>);

/// Why a host is refused with 400. Says what was wrong, never repeats what was sent: log lines are built from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    Missing,
    Several,
    Disagree,
    NotAscii,
    Userinfo,
    Port,
    Address,
    Character,
    EmptyLabel,
    TooLong,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the request names no host",
            Self::Several => "the request has more than one host header",
            Self::Disagree => "the request target and the host header name different hosts",
            Self::NotAscii => "the host has bytes outside ascii",
            Self::Userinfo => "the host carries userinfo",
            Self::Port => "the port is not a number from 0 to 65535",
            Self::Address => "the host is a broken ip literal",
            Self::Character => "the host has a character that no host name has",
            Self::EmptyLabel => "the host has an empty label",
            Self::TooLong => "the host is longer than a dns name can be",
        })
    }
}

impl<'a> Host<'a> {
    /// Reads `host [":" port]` as it stands in a `Host` header or in the authority of a request target.
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        // Almost every client sends nothing but a name; what is wrong with the others is for the following to say.
        if let Ok(name) = HostName::parse(text) {
            return Ok(Self { name, port: None });
        }
        if text.is_empty() {
            return Err(Malformed::Missing);
        }
        if !text.is_ascii() {
            return Err(Malformed::NotAscii);
        }
        if text.contains('@') {
            return Err(Malformed::Userinfo);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or(Malformed::Address)?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| Malformed::Address)?;
            let port = match after.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if after.is_empty() => None,
                None => return Err(Malformed::Address),
            };
            return Ok(Self {
                name: HostKind::Ip,
                port,
            });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, parse_port(port)?),
            None => (text, None),
        };
        Ok(Self {
            name: HostName::parse(name)?,
            port,
        })
    }

    /// The folded name; `None` for an IP literal.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.name {
            HostKind::Name(name) => Some(&name.0),
            HostKind::Ip => None,
        }
    }

    /// Whether two spellings in one request name the same host; a port that only one of them gives is no disagreement.
    pub(super) fn agrees_with(&self, other: &Host<'_>) -> bool {
        self.name == other.name
            && (self.port.is_none() || other.port.is_none() || self.port == other.port)
    }
}

/// The folded name, without the port: what a log line needs.
impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.name {
            HostKind::Name(name) => &name.0,
            HostKind::Ip => "an ip literal",
        })
    }
}

impl<'a> HostName<'a> {
    /// Folds a name without a port. [`HostKind::Ip`] if it is an IPv4 address.
    fn parse(text: &'a str) -> Result<HostKind<'a>, Malformed> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.len() > MAX_NAME {
            return Err(Malformed::TooLong);
        }
        let ends = |label: usize| match label {
            0 => Err(Malformed::EmptyLabel),
            1..=MAX_LABEL => Ok(()),
            _ => Err(Malformed::TooLong),
        };
        // One walk that decides little, since every request comes by here.
        let (mut seen, mut label) = (0, 0);
        for byte in name.bytes() {
            if byte == b'.' {
                ends(label)?;
                label = 0;
            } else {
                seen |= CLASS.get(usize::from(byte)).copied().unwrap_or(NEVER);
                label += 1;
            }
        }
        ends(label)?;
        if seen & NEVER != 0 {
            return Err(Malformed::Character);
        }
        let is_numeric = seen & !DIGIT == 0;
        if is_numeric && name.parse::<Ipv4Addr>().is_ok() {
            return Ok(HostKind::Ip);
        }
        // Almost every client sends lower case: then nothing is copied.
        Ok(HostKind::Name(Self(if seen & UPPER == 0 {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        })))
    }

    /// How many labels it has.
    pub(super) fn depth(&self) -> usize {
        self.0.split('.').count()
    }

    /// The folded text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Lets go of the text it was read from.
    pub(super) fn into_owned(self) -> HostName<'static> {
        HostName(Cow::Owned(self.0.into_owned()))
    }
}

/// Digits only: `u16::from_str` alone would also take `+80`. An empty port is no port (RFC 3986, section 3.2.3).
fn parse_port(text: &str) -> Result<Option<u16>, Malformed> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Malformed::Port);
    }
    text.parse().map(Some).map_err(|_| Malformed::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Result<&str, Malformed>) {
        let found = Host::parse(input).map(|host| match host.name {
            HostKind::Name(name) => name.0.into_owned(),
            HostKind::Ip => "<ip>".to_owned(),
        });
        assert_eq!(found, expect.map(str::to_owned), "{input:?}");
    }

    #[test]
    fn every_spelling_has_one_reading() {
        check("acme.example.com", Ok("acme.example.com"));
        check("ACME.Example.COM", Ok("acme.example.com"));
        check("acme.example.com.", Ok("acme.example.com"));
        check("acme.example.com:8443", Ok("acme.example.com"));
        check("acme.example.com.:8443", Ok("acme.example.com"));
        check("acme.example.com:", Ok("acme.example.com"));
        check("acme.example.com:00443", Ok("acme.example.com"));
        check("a_b.example.com", Ok("a_b.example.com"));
        check(
            "_acme-challenge.example.com",
            Ok("_acme-challenge.example.com"),
        );
        check("-acme.example.com", Ok("-acme.example.com"));
        check("xn--cme-5cd.example.com", Ok("xn--cme-5cd.example.com"));
        check("localhost", Ok("localhost"));
        check("127.0.0.1", Ok("<ip>"));
        check("127.0.0.1.", Ok("<ip>"));
        check("127.0.0.1:80", Ok("<ip>"));
        check("[::1]", Ok("<ip>"));
        check("[::1]:3000", Ok("<ip>"));
        check("[::ffff:127.0.0.1]", Ok("<ip>"));
        // Not addresses to us, whatever a browser's address bar makes of them: names below no base domain.
        check("127.1", Ok("127.1"));
        check("0x7f000001", Ok("0x7f000001"));
    }

    #[test]
    fn whatever_is_no_host_is_malformed() {
        use Malformed::*;
        check("", Err(Missing));
        check(".", Err(EmptyLabel));
        check(":80", Err(EmptyLabel));
        check(".example.com", Err(EmptyLabel));
        check("acme..example.com", Err(EmptyLabel));
        check("acme.example.com..", Err(EmptyLabel));
        check("acme.example.com:http", Err(Port));
        check("acme.example.com:+80", Err(Port));
        check("acme.example.com:-1", Err(Port));
        check("acme.example.com:65536", Err(Port));
        check("acme.example.com:80:80", Err(Port));
        check("::1", Err(Port));
        check("[::1", Err(Address));
        check("[::1]x", Err(Address));
        check("[acme.example.com]", Err(Address));
        check("[fe80::1%25eth0]", Err(Address));
        check("[v1.fe]", Err(Address));
        check("user@acme.example.com", Err(Userinfo));
        check("acme.example.com@evil.org", Err(Userinfo));
        check("u:p@acme.example.com:80", Err(Userinfo));
        check("\u{430}cme.example.com", Err(NotAscii));
        check("acme\u{3002}example.com", Err(NotAscii));
        check("acme.example.com\0", Err(Character));
        check("acme\0.example.com", Err(Character));
        check("acme.example.com\r", Err(Character));
        check("acme.example.com\r\nx", Err(Character));
        check("acme.example.com\r\nx: y", Err(Port));
        check("acme.example.com, globex.example.com", Err(Character));
        check(" acme.example.com", Err(Character));
        check("%61cme.example.com", Err(Character));
        check("acme.example.com/", Err(Character));
        check("http://acme.example.com", Err(Port));
        check("*", Err(Character));
        check("acme.example.com#", Err(Character));
        check("acme.example.com\\", Err(Character));
    }

    #[test]
    fn length_is_counted_without_the_trailing_dot() {
        let label = "a".repeat(63);
        check(&label, Ok(&label));
        check(&"a".repeat(64), Err(Malformed::TooLong));

        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        check(&longest, Ok(&longest));
        check(&format!("{longest}."), Ok(&longest));
        check(&format!("{longest}:65535"), Ok(&longest));
        check(&format!("a{longest}"), Err(Malformed::TooLong));
    }

    #[test]
    fn lower_case_is_not_copied() {
        let host = Host::parse("acme.example.com:80").unwrap();
        assert!(matches!(
            host.name,
            HostKind::Name(HostName(Cow::Borrowed(_)))
        ));
        assert_eq!(host.port, Some(80));
    }

    #[test]
    fn spellings_of_one_host_agree() {
        let agree = |a: &str, b: &str| {
            Host::parse(a)
                .unwrap()
                .agrees_with(&Host::parse(b).unwrap())
        };
        assert!(agree("acme.example.com", "ACME.example.com."));
        assert!(agree("acme.example.com:80", "acme.example.com"));
        assert!(agree("acme.example.com:80", "acme.example.com:080"));
        assert!(!agree("acme.example.com:80", "acme.example.com:81"));
        assert!(!agree("acme.example.com", "globex.example.com"));
        assert!(!agree("acme.example.com", "127.0.0.1"));
    }
}
