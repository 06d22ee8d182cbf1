//! What players and publishers are told, in the words that FFmpeg, OBS and Flash look for.

use super::Reject;
use crate::rtmp::{
    Packet, PacketKind,
    amf0::{self, Value},
    connection::{Connection, WINDOW, four_cc_list, framed},
    message::{self, Command, information, user},
};

/// The answer to `connect`, and what must be agreed before anything else.
pub(super) fn connected(connection: &mut Connection, transaction: f64, object_encoding: f64) {
    connection.announce_window(WINDOW);
    connection.control(&message::set_peer_bandwidth(WINDOW));
    connection.announce_chunk_size();
    let properties = Value::object([
        ("fmsVer", "FMS/3,0,1,123".into()),
        ("capabilities", 31.0.into()),
        ("mode", 1.0.into()),
        // Enhanced RTMP: we forward any codec (CanForward = 4), and have none of the extras of capsEx.
        ("fourCcList", four_cc_list()),
        ("videoFourCcInfoMap", Value::object([("*", 4.0.into())])),
        ("audioFourCcInfoMap", Value::object([("*", 4.0.into())])),
        ("capsEx", 0.0.into()),
        ("parlor", 1.0.into()),
    ]);
    let Value::Object(mut info) = information("status", "NetConnection.Connect.Success", "Connection succeeded.") else { return };
    info.push(("objectEncoding".into(), object_encoding.into()));
    connection.command(0, Command::new("_result", transaction, properties, vec![Value::Object(info)]));
}

/// The refusal of `connect`.
pub(super) fn not_connected(connection: &mut Connection, transaction: f64, description: &str) {
    let info = information("error", "NetConnection.Connect.Rejected", description);
    connection.command(0, Command::new("_error", transaction, Value::Null, vec![info]));
}

pub(super) fn publishing(connection: &mut Connection, stream_id: u32, name: &str) {
    connection.control(&message::user_control(user::STREAM_BEGIN, &[stream_id]));
    let what = format!("Publishing {}.", without_query(name));
    connection.command(stream_id, Command::status("status", "NetStream.Publish.Start", &what));
}

pub(super) fn playing(connection: &mut Connection, stream_id: u32, name: &str) {
    connection.control(&message::user_control(user::STREAM_BEGIN, &[stream_id]));
    let name = without_query(name);
    for (code, what) in [("NetStream.Play.Reset", "Resetting"), ("NetStream.Play.Start", "Playing")] {
        connection.command(stream_id, Command::status("status", code, &format!("{what} {name}.")));
    }
    // Adobe's players want both before they touch the samples.
    let data =
        |values: &[Value]| framed(stream_id, &Packet { kind: PacketKind::Data, timestamp_ms: 0, payload: amf0::encode(values) });
    connection.framed(data(&["|RtmpSampleAccess".into(), true.into(), true.into()]));
    let start = Value::object([("code", "NetStream.Data.Start".into())]);
    connection.framed(data(&["onStatus".into(), start]));
}

pub(super) fn unpublished(connection: &mut Connection, stream_id: u32, name: &str) {
    let what = format!("{} is now unpublished.", without_query(name));
    connection.command(stream_id, Command::status("status", "NetStream.Unpublish.Success", &what));
}

/// The publisher of what is being played has gone.
pub(super) fn publisher_gone(connection: &mut Connection, stream_id: u32, name: &str) {
    connection.control(&message::user_control(user::STREAM_EOF, &[stream_id]));
    let what = format!("{} is now unpublished.", without_query(name));
    connection.command(stream_id, Command::status("status", "NetStream.Play.UnpublishNotify", &what));
}

pub(super) fn rejected(connection: &mut Connection, stream_id: u32, publisher: bool, name: &str, reason: &Reject) {
    let name = without_query(name);
    let (code, what) = match (publisher, reason) {
        (true, Reject::BadName | Reject::NotFound) => ("NetStream.Publish.BadName", format!("{name} cannot be published.")),
        (true, Reject::Denied(what)) => ("NetStream.Publish.Denied", what.clone()),
        (true, Reject::Failed(what)) => ("NetStream.Publish.Failed", what.clone()),
        (false, Reject::BadName | Reject::NotFound) => ("NetStream.Play.StreamNotFound", format!("{name} is not there.")),
        (false, Reject::Denied(what)) => ("NetStream.Play.Denied", what.clone()),
        (false, Reject::Failed(what)) => ("NetStream.Play.Failed", what.clone()),
    };
    connection.command(stream_id, Command::status("error", code, &what));
}

/// A name as others may see it: the query holds tokens.
fn without_query(name: &str) -> &str {
    name.split('?').next().unwrap_or(name)
}
