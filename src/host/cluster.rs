//! This server as one of several over one Redis: they share rooms and the keys behind tokens.

use super::Config;
use crate::server::store::{self, Redis};
use crate::server::token::Keys;
use std::sync::Arc;
use std::time::Duration;

/// How often keys are compared with those of the other servers.
const CARE: Duration = Duration::from_secs(10);

/// What the servers have in common.
pub(super) struct Cluster {
    pub redis: Arc<Redis>,
    keys: Keys,
}

impl Cluster {
    /// Joins the other servers, if the configuration names their Redis. From then on `keys` are those of all of them.
    pub async fn join(config: &Config, keys: &Keys) -> Result<Option<Self>, store::Error> {
        let Some(url) = &config.redis else { return Ok(None) };
        let redis = Arc::new(Redis::open(url.expose(), config.clock.clone()).await?);
        let cluster = Self { redis, keys: keys.clone() };
        cluster.share_keys().await?;
        Ok(Some(cluster))
    }

    /// Stays in touch; never ends.
    pub async fn keep(&self) {
        let mut ticks = tokio::time::interval(CARE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.share_keys().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "keys were not compared with those of the other servers"
                );
            }
        }
    }

    async fn share_keys(&self) -> Result<(), store::Error> {
        let own = self.keys.ring();
        let shared = self.redis.share_keys(&own).await?;
        if shared != *own {
            self.keys.set_ring(shared);
        }
        Ok(())
    }
}
