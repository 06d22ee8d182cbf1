//! The commands that clients send, as FFmpeg, OBS, librtmp and Flash do.

use super::{
    Error, Event, MAX_STREAMS, Reject,
    session::{Client, Session, State, Stream},
    status,
};
use crate::rtmp::{
    Reception,
    amf0::Value,
    message::{Command, information},
};

impl Session {
    pub(super) fn command(&mut self, stream_id: u32, command: Command) -> Result<(), Error> {
        if command.name == "connect" {
            return self.connect(&command);
        }
        if self.client.is_none() {
            return Err(Error::OutOfOrder("before connect"));
        }
        match command.name.as_str() {
            "createStream" => self.create_stream(command.transaction),
            "publish" => match command.text(0) {
                Some(name) => self.start(stream_id, name, State::WantsPublish(Vec::new())),
                // `publish(false)` is Flash's way to stop.
                None => self.stop(stream_id),
            },
            "play" => self.start(stream_id, command.text(0).unwrap_or_default(), State::WantsPlay),
            "play2" => {
                let name = command.arguments.first().and_then(|options| options.member("streamName")).and_then(Value::as_str);
                self.start(stream_id, name.unwrap_or_default(), State::WantsPlay)
            }
            "closeStream" => self.stop(stream_id),
            "deleteStream" => {
                let stream_id = command.stream_id(0).unwrap_or(stream_id);
                self.stop(stream_id)?;
                self.streams.remove(&stream_id);
                Ok(())
            }
            "close" => self.event(Event::Closed),
            "requestKeyFrame" => match self.streams.get(&stream_id) {
                Some(Stream { state: State::Playing, .. }) => self.event(Event::KeyFrameWanted { stream_id }),
                _ => Ok(()),
            },
            "reportReception" => match (self.streams.get(&stream_id), Reception::from_values(&command.arguments)) {
                (Some(Stream { state: State::Playing, .. }), Some(reception)) => {
                    self.event(Event::Reception { stream_id, reception })
                }
                _ => Ok(()),
            },
            _ => {
                self.pleasantry(stream_id, &command);
                Ok(())
            }
        }
    }

    fn connect(&mut self, command: &Command) -> Result<(), Error> {
        if self.client.is_some() {
            return Err(Error::OutOfOrder("connect"));
        }
        let text = |key| command.object.member(key).and_then(Value::as_str);
        let Some(app) = text("app") else {
            status::not_connected(&mut self.connection, command.transaction, "connect needs an app.");
            return Err(Error::NoApp);
        };
        let app = app.trim_matches('/').to_owned();
        let tc_url = text("tcUrl").unwrap_or_default().to_owned();
        let parlor = command.object.member("parlor").is_some();
        let object_encoding = command.object.member("objectEncoding").and_then(Value::as_f64).unwrap_or(0.0);
        status::connected(&mut self.connection, command.transaction, object_encoding);
        self.client = Some(Client { app: app.clone(), parlor });
        self.event(Event::Connected { app, tc_url, parlor })
    }

    fn create_stream(&mut self, transaction: f64) -> Result<(), Error> {
        if self.streams.len() == MAX_STREAMS {
            return Err(Error::TooManyStreams);
        }
        // The lowest free number; 0 is the connection.
        let stream_id = (1..).find(|id| !self.streams.contains_key(id)).ok_or(Error::TooManyStreams)?;
        self.streams.insert(stream_id, Stream { name: String::new(), state: State::Idle });
        let id = f64::from(stream_id).into();
        self.connection.command(0, Command::new("_result", transaction, Value::Null, vec![id]));
        Ok(())
    }

    /// A stream asks to publish or play. Whatever it did before ends.
    fn start(&mut self, stream_id: u32, name: &str, state: State) -> Result<(), Error> {
        self.stop(stream_id)?;
        let Some(app) = self.client.as_ref().map(|client| client.app.clone()) else { return Ok(()) };
        let publish = matches!(state, State::WantsPublish(_));
        let stream = self.streams.get_mut(&stream_id).ok_or(Error::OutOfOrder("on a stream that was not created"))?;
        let name = name.to_owned();
        if name.is_empty() {
            status::rejected(&mut self.connection, stream_id, publish, &name, &Reject::BadName);
            return Ok(());
        }
        *stream = Stream { name: name.clone(), state };
        self.note_used();
        let event = if publish { Event::Publish { stream_id, app, name } } else { Event::Play { stream_id, app, name } };
        self.event(event)
    }

    /// A stream stops what it does.
    fn stop(&mut self, stream_id: u32) -> Result<(), Error> {
        let Some(stream) = self.streams.get_mut(&stream_id) else { return Ok(()) };
        let event = match std::mem::replace(&mut stream.state, State::Idle) {
            State::Idle => return Ok(()),
            State::WantsPublish(_) => Event::StopPublish { stream_id },
            State::Publishing => {
                status::unpublished(&mut self.connection, stream_id, &stream.name);
                Event::StopPublish { stream_id }
            }
            State::WantsPlay | State::Playing => Event::StopPlay { stream_id },
        };
        self.note_idle();
        self.event(event)
    }

    /// Commands that ask for nothing but a polite answer. Unknown ones get none: FFmpeg takes an error as the end.
    fn pleasantry(&mut self, stream_id: u32, command: &Command) {
        let result = |values| Command::new("_result", command.transaction, Value::Null, values);
        let wants_result = command.transaction != 0.0;
        match command.name.as_str() {
            "FCPublish" | "FCUnpublish" | "FCSubscribe" => {
                let (callback, code) = match command.name.as_str() {
                    "FCPublish" => ("onFCPublish", "NetStream.Publish.Start"),
                    "FCUnpublish" => ("onFCUnpublish", "NetStream.Unpublish.Success"),
                    _ => ("onFCSubscribe", "NetStream.Play.Start"),
                };
                if wants_result {
                    self.connection.command(0, result(vec![Value::Undefined]));
                }
                let info = information("status", code, "");
                self.connection.command(0, Command::new(callback, 0.0, Value::Null, vec![info]));
            }
            "releaseStream" | "_checkbw" if wants_result => self.connection.command(0, result(vec![Value::Undefined])),
            // A live stream has no length.
            "getStreamLength" if wants_result => self.connection.command(0, result(vec![0.0.into()])),
            // Live goes on whatever the player does; it is told that its wish was heard.
            "pause" => {
                let paused = command.arguments.first() == Some(&Value::Boolean(true));
                let code = if paused { "NetStream.Pause.Notify" } else { "NetStream.Unpause.Notify" };
                self.connection.command(stream_id, Command::status("status", code, ""));
            }
            "seek" => self.connection.command(stream_id, Command::status("status", "NetStream.Seek.Notify", "")),
            _ => {}
        }
    }
}
