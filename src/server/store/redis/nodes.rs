//! Which processes there are, and which of them has which stream.

use super::Redis;
use crate::server::limits::NODE_TTL;
use crate::server::store::Error;
use serde::{Deserialize, Serialize};

/// One server process, as the others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, chosen at its start.
    pub id: String,
    /// Where the others get its streams: `rtmp://host:port` or `rtmps://host:port`.
    pub relay: String,
    /// The key that it shows there, if it shows one.
    pub pin: Option<String>,
    /// Where people reach it, as they may type it: `parlor://host:port#pin=...`.
    pub public: String,
}

impl Redis {
    /// Says that a process lives and has these streams; both are believed for [`NODE_TTL`]. Returns those of the streams that another
    /// process has meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn announce(&self, node: &Node, streams: &[String]) -> Result<Vec<String>, Error> {
        let text = serde_json::to_string(node).map_err(Error::damaged)?;
        self.connection.announce(&node.id, &text, streams, NODE_TTL).await
    }

    /// The processes that live.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let texts = self.connection.nodes("").await?;
        texts.iter().map(|text| serde_json::from_str(text).map_err(Error::damaged)).collect()
    }

    /// Says that a process ends.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retire(&self, node: &Node) -> Result<(), Error> {
        self.connection.nodes(&node.id).await.map(drop)
    }

    /// Says that a stream is published at that process, from now on and nowhere else.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn place(&self, stream: &str, node: &Node) -> Result<(), Error> {
        self.connection.place(stream, &node.id, Some(NODE_TTL)).await.map(drop)
    }

    /// Says that a stream is not published at that process any more; does nothing if it is at another one by now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn displace(&self, stream: &str, node: &Node) -> Result<(), Error> {
        self.connection.place(stream, &node.id, None).await.map(drop)
    }

    /// Where a stream is published, if that process still says so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn placed(&self, stream: &str) -> Result<Option<Node>, Error> {
        let text = self.connection.place(stream, "", None).await?;
        text.map(|text| serde_json::from_str(&text).map_err(Error::damaged)).transpose()
    }
}
