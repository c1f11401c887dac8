//! The relay: late by its delay and never early, wide open to throughput, and really cut when it is cut.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tenancy_testkit::NetworkDelay;

const HALF: Duration = Duration::from_micros(500);

/// A server that answers every byte with itself.
fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    address
}

fn connect(network: &NetworkDelay) -> TcpStream {
    let client = TcpStream::connect(network.address()).unwrap();
    client.set_nodelay(true).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client
}

fn round_trip(client: &mut TcpStream) -> Duration {
    let sent = Instant::now();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    sent.elapsed()
}

#[test]
fn a_round_trip_takes_both_delays() {
    let network = NetworkDelay::to(echo(), HALF).unwrap();
    let mut client = connect(&network);
    let mut trips: Vec<_> = (0..200).map(|_| round_trip(&mut client)).collect();
    trips.sort();
    assert!(trips[0] >= 2 * HALF, "never early: {:?}", trips[0]);
    println!("median round trip {:?}", trips[100]);
}

#[test]
fn chunks_do_not_wait_for_each_other() {
    let delay = Duration::from_millis(200);
    let network = NetworkDelay::to(echo(), delay).unwrap();
    let mut client = connect(&network);
    let sent = Instant::now();
    for _ in 0..20 {
        client.write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    client.read_exact(&mut [0; 20]).unwrap();
    let took = sent.elapsed();
    assert!(took >= 2 * delay);
    assert!(took < 20 * delay, "one after the other: {took:?}");
}

#[test]
fn bytes_arrive_whole_and_in_order_and_an_end_is_an_end() {
    let network = NetworkDelay::to(echo(), HALF).unwrap();
    let mut client = connect(&network);
    let sent: Vec<u8> = (0..8_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut writing = client.try_clone().unwrap();
    let copy = sent.clone();
    let writer = thread::spawn(move || {
        writing.write_all(&copy).unwrap();
        writing.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(sent == received);
}

#[test]
fn a_cut_resets_and_a_healed_network_connects() {
    let network = NetworkDelay::to(echo(), HALF).unwrap();
    let mut client = connect(&network);
    round_trip(&mut client);

    network.cut();
    assert!(is_dead(&mut client));
    assert!(is_dead(&mut connect(&network)), "still cut");

    network.heal();
    assert!(is_dead(&mut client), "what was lost stays lost");
    round_trip(&mut connect(&network));
}

#[test]
fn a_server_that_does_not_answer_is_a_reset() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let network = NetworkDelay::to(nobody, HALF).unwrap();
    assert!(is_dead(&mut connect(&network)));
}

/// Within the read timeout the connection ends or fails, and not because of the timeout.
fn is_dead(client: &mut TcpStream) -> bool {
    let _ = client.write_all(b"x");
    match client.read(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}
