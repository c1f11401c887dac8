//! The challenge for a domain against a real resolver and a tiny name server of our own, over UDP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tenancy_core::{DomainName, ErrorKind, Secret, TenantId};
use tenancy_http::domains::{Challenge, SystemDns, TxtLookup};
use tokio::net::UdpSocket;

type Zone = Arc<Mutex<HashMap<String, Vec<Vec<String>>>>>;

/// Answers TXT questions from a map: the header, the question again, and one record a value.
fn answer(question: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    while *question.get(at)? != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(question.get(at + 1..=at + length)?).to_lowercase());
        at += length + 1;
    }
    let end = at + 5;
    let records = zone.lock().unwrap().get(&labels.join(".")).cloned();
    let is_known = records.is_some();
    let records = records.unwrap_or_default();
    let mut out = question.get(..2)?.to_vec();
    // An authoritative answer; 3 is "no such name".
    out.extend([
        0x84,
        if is_known { 0 } else { 3 },
        0,
        1,
        0,
        u8::try_from(records.len()).ok()?,
        0,
        0,
        0,
        0,
    ]);
    out.extend(question.get(12..end)?);
    for parts in records {
        let data: Vec<u8> = parts
            .iter()
            .flat_map(|part| std::iter::once(u8::try_from(part.len()).unwrap()).chain(part.bytes()))
            .collect();
        out.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

async fn name_server() -> (SocketAddr, Zone) {
    let zone = Zone::default();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let served = Arc::clone(&zone);
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            if let Some(answer) = answer(&buffer[..length], &served) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    (address, zone)
}

#[tokio::test]
async fn a_record_proves_the_claim_of_one_tenant_and_only_while_it_is_there() {
    let (address, zone) = name_server().await;
    let dns = SystemDns::at(address).unwrap();
    let secret = Secret::new("a secret of the tests, and of them alone").unwrap();
    let domain = DomainName::parse("crm.acme.example").unwrap();
    let of = |tenant: &str, domain: &DomainName| {
        Challenge::new(&secret, TenantId::parse(tenant).unwrap(), domain)
    };
    let acme = of("1", &domain);
    assert!(!acme.is_met(&dns).await.unwrap(), "no such name");

    let put = |values: &[&[&str]]| {
        let values = values
            .iter()
            .map(|parts| parts.iter().map(|part| (*part).to_owned()).collect())
            .collect();
        zone.lock().unwrap().insert(acme.name().to_owned(), values);
    };
    put(&[]);
    assert!(!acme.is_met(&dns).await.unwrap(), "no records");
    put(&[&["v=spf1 -all"], &["tenancy-verification=0000"]]);
    assert!(!acme.is_met(&dns).await.unwrap(), "other records");
    put(&[&[&acme.value()[1..]], &[&format!("{}0", acme.value())]]);
    assert!(
        !acme.is_met(&dns).await.unwrap(),
        "a part of it, and more than it"
    );
    put(&[&["v=spf1 -all"], &[acme.value()]]);
    assert!(acme.is_met(&dns).await.unwrap());
    // Long records come in pieces.
    let (first, second) = acme.value().split_at(20);
    put(&[&[first, second]]);
    assert!(acme.is_met(&dns).await.unwrap());

    // It proves nothing for another tenant, and nothing for another domain.
    assert!(!of("2", &domain).is_met(&dns).await.unwrap());
    let other = DomainName::parse("crm.globex.example").unwrap();
    assert_ne!(of("1", &other).value(), acme.value());
    assert!(!of("1", &other).is_met(&dns).await.unwrap());

    // Taken away, it proves nothing any more: nothing is kept.
    zone.lock().unwrap().clear();
    assert!(!acme.is_met(&dns).await.unwrap());
}

#[tokio::test]
async fn a_name_server_that_fails_is_no_refusal() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let mut answer = buffer[..length].to_vec();
            answer[2] = 0x80;
            // "The server failed."
            answer[3] = 2;
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let dns = SystemDns::at(address).unwrap();
    let error = dns
        .txt("_tenancy-challenge.crm.acme.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RegistryUnavailable);
}
