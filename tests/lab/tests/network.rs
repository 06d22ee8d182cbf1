//! The emulated network, looked at from inside with ordinary sockets. Needs root and /dev/net/tun; says so where it is skipped.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use parlor_lab::net::{Network, Plan, Side, available};

/// Nothing here takes that long.
const LONG: Duration = Duration::from_secs(20);

fn network(plan: &[&str]) -> Option<Network> {
    if let Err(why) = available() {
        eprintln!("SKIPPED, NOTHING WAS TESTED: {why}");
        return None;
    }
    Some(Network::start(&Plan::parse(plan.iter().copied()).unwrap()).unwrap())
}

fn socket(network: &Network, side: Side) -> UdpSocket {
    let socket = network.inside(side, || UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

fn address(side: Side, socket: &UdpSocket) -> SocketAddr {
    (side.address(), socket.local_addr().unwrap().port()).into()
}

/// Sends one packet there and back, and says how long it took.
fn round_trip(near: &UdpSocket, far: &UdpSocket) -> Duration {
    let began = Instant::now();
    let mut byte = [0];
    near.send_to(b"a", address(Side::Far, far)).unwrap();
    let (_, from) = far.recv_from(&mut byte).unwrap();
    far.send_to(b"b", from).unwrap();
    near.recv_from(&mut byte).unwrap();
    began.elapsed()
}

#[test]
fn packets_take_as_long_as_the_link_is() {
    let Some(network) = network(&["up:delay=30", "down:delay=20"]) else { return };
    let (near, far) = (socket(&network, Side::Near), socket(&network, Side::Far));
    let fastest = (0..5).map(|_| round_trip(&near, &far)).min().unwrap();
    assert!((Duration::from_millis(50)..LONG).contains(&fastest), "{fastest:?}");
    network.change(&"both:clear".parse().unwrap());
    let cleared = (0..5).map(|_| round_trip(&near, &far)).min().unwrap();
    assert!(cleared < fastest, "{cleared:?} on a perfect link, {fastest:?} before");
}

#[test]
fn tcp_comes_through_loss_whole_and_a_cut_stops_it() {
    let Some(network) = network(&["both:loss=2,burst=2"]) else { return };
    let listener = network.inside(Side::Far, || TcpListener::bind("0.0.0.0:0").unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let mut near = network.inside(Side::Near, || TcpStream::connect((Side::Far.address(), port)).unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    let received = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut all = vec![0; sent.len()];
            far.read_exact(&mut all).map(|()| all)
        });
        near.write_all(&sent).unwrap();
        reader.join().unwrap().unwrap()
    });
    assert!(received == sent);
    let report = network.report();
    assert!(report.up.lost > 0 && report.up.bytes > 300_000, "{report:?}");

    network.change(&"both:clear,cut=1".parse().unwrap());
    near.write_all(b"into nothing").unwrap();
    far.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(far.read(&mut [0; 20]).is_err());
    network.change(&"both:cut=0".parse().unwrap());
    far.set_read_timeout(Some(LONG)).unwrap();
    let mut late = [0; 12];
    far.read_exact(&mut late).unwrap();
    assert_eq!(&late, b"into nothing");
}

#[test]
fn the_timetable_is_kept_and_another_one_begins_when_told() {
    let Some(network) = network(&["both:cut=1", "0.2:both:cut=0"]) else { return };
    let (near, far) = (socket(&network, Side::Near), socket(&network, Side::Far));
    near.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    far.set_nonblocking(true).unwrap();
    let began = Instant::now();
    let passes = || {
        near.send_to(b"x", address(Side::Far, &far)).unwrap();
        thread::sleep(Duration::from_millis(10));
        far.recv_from(&mut [0]).is_ok()
    };
    while !passes() {
        assert!(began.elapsed() < LONG);
    }
    assert!(network.report().up.lost > 0);
    network.follow(&Plan::parse(["0.1:both:cut=1"]).unwrap());
    while passes() {
        assert!(began.elapsed() < LONG);
    }
}

#[test]
fn a_new_address_silences_old_connections_and_new_ones_work() {
    let Some(network) = network(&[]) else { return };
    let listener = network.inside(Side::Far, || TcpListener::bind("0.0.0.0:0").unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = || network.inside(Side::Near, || TcpStream::connect((Side::Far.address(), port))).unwrap();
    let mut old = connect().unwrap();
    let (mut old_far, from) = listener.accept().unwrap();
    assert_eq!(from.ip(), Side::Near.address());
    let moved = Ipv4Addr::new(10, 77, 0, 33);
    network.readdress(Side::Near, None).unwrap();
    network.readdress(Side::Near, Some(moved)).unwrap();
    let _ = old.write_all(b"lost");
    old_far.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(!matches!(old_far.read(&mut [0; 4]), Ok(1..)));
    let _new = connect().unwrap();
    assert_eq!(listener.accept().unwrap().1.ip(), moved);
}

#[test]
fn programs_run_inside_and_networks_do_not_see_each_other() {
    let (Some(one), Some(other)) = (network(&[]), network(&[])) else { return };
    let _listener = one.inside(Side::Far, || TcpListener::bind("0.0.0.0:4321").unwrap()).unwrap();
    let reach = |network: &Network| network.inside(Side::Near, || TcpStream::connect((Side::Far.address(), 4321)).is_ok());
    assert_eq!((reach(&one).unwrap(), reach(&other).unwrap()), (true, false));
    let output = one.command(Side::Near, "ip").args(["-brief", "addr"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("link0") && text.contains("10.77.0.1/24"), "{text}");
}
