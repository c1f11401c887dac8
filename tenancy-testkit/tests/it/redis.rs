//! `RedisServer`: asks for its password, keeps data over a restart, leaves nothing behind.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use tenancy_testkit::RedisServer;

/// What the server answers to these inline commands.
fn ask(server: &RedisServer, commands: &[&str]) -> String {
    let mut stream = TcpStream::connect(server.address().unwrap()).unwrap();
    for command in commands {
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .unwrap();
    }
    stream.write_all(b"QUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn auth(server: &RedisServer) -> String {
    let (_, rest) = server.url().split_once(':').unwrap();
    let (password, _) = rest.trim_start_matches("//:").split_once('@').unwrap();
    format!("AUTH {password}")
}

#[tokio::test]
async fn nobody_gets_in_without_its_password() {
    let server = RedisServer::start().await.unwrap();
    assert!(ask(&server, &["GET x"]).starts_with("-NOAUTH"));
    assert!(ask(&server, &[&auth(&server), "PING"]).starts_with("+OK\r\n+PONG"));
}

#[tokio::test]
async fn it_is_away_and_comes_back_with_its_data() {
    let server = RedisServer::start().await.unwrap();
    ask(&server, &[&auth(&server), "SET x 1"]);
    server.stop().await.unwrap();
    assert!(TcpStream::connect(server.address().unwrap()).is_err());
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert!(ask(&server, &[&auth(&server), "GET x"]).contains("$1\r\n1"));
}

#[tokio::test]
async fn it_ends_with_its_value_and_takes_its_folder_along() {
    let server = RedisServer::start().await.unwrap();
    let (folder, address) = (
        server.folder().unwrap().to_owned(),
        server.address().unwrap(),
    );
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists());
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn the_shared_one_is_one() {
    let (a, b) = tokio::join!(RedisServer::shared(), RedisServer::shared());
    assert_eq!(a.unwrap().url(), b.unwrap().url());
}
