//! What becomes of a hook: who may publish and play is asked of the rooms, exactly as for the relay of this server.

use super::{Engine, Hook, Scheme, What};
use crate::proto::{Code, MemberId, Problem};
use crate::server::room::id;
use crate::server::service::Service;
use crate::server::token::{Action, Holder};
use std::time::Duration;

impl Engine {
    /// Answers a hook; an error is a no.
    ///
    /// # Errors
    /// [`Code::Forbidden`], or the store's.
    pub(in crate::server) async fn answer(&self, service: &Service, hook: &Hook, now: Duration) -> Result<(), Problem> {
        match hook.what {
            What::Aside => Ok(()),
            What::Publish => {
                let stream = self.stream(Action::Publish, hook)?;
                self.admit(service, Action::Publish, hook, &stream, now).await?;
                // Whoever has the seat takes their stream back at once.
                service.make_way(&stream).await;
                self.presence().publishes(&stream, &hook.client, now);
                service.started(&stream).await;
                tracing::info!(stream, client = hook.client, "stream started on the engine");
                Ok(())
            }
            What::Publishing => {
                let stream = self.stream(Action::Publish, hook)?;
                self.has_seat(service, &stream).await?;
                self.presence().publishes(&stream, &hook.client, now);
                // Other processes of the same rooms learn it, too: the member is not due for a while.
                service.started(&stream).await;
                Ok(())
            }
            What::Published => {
                let stream = self.stream(Action::Publish, hook)?;
                if self.presence().published(&stream, &hook.client, now) {
                    tracing::info!(stream, client = hook.client, "stream stopped on the engine");
                    service.stopped(&stream).await;
                }
                Ok(())
            }
            What::Play => {
                let stream = self.stream(Action::Play, hook)?;
                self.admit(service, Action::Play, hook, &stream, now).await
            }
            What::Playing => {
                let stream = self.stream(Action::Play, hook)?;
                // The engine repeats what it was allowed with, so the token was checked before; it may have expired since.
                let member =
                    hook.arg("token").and_then(|token| token.split('.').nth(1)).filter(|_| self.config.sign == Scheme::Token);
                let stays = match member {
                    Some(member) => service.may_stay(&stream, &MemberId::new(member)).await,
                    None => return self.has_seat(service, &stream).await,
                };
                if stays { Ok(()) } else { Err(gone()) }
            }
        }
    }

    fn stream(&self, action: Action, hook: &Hook) -> Result<String, Problem> {
        let holder = self.template(action).read(&hook.app, &hook.name);
        let Holder { room, member } =
            holder.ok_or_else(|| Problem::new(Code::Forbidden, "streams of this name belong to no room"))?;
        Ok(id::stream_name(&room, &member))
    }

    async fn admit(&self, service: &Service, action: Action, hook: &Hook, stream: &str, now: Duration) -> Result<(), Problem> {
        if self.config.sign == Scheme::Token {
            return service.authorize(action, stream, hook.arg("token").unwrap_or_default()).await.map(drop);
        }
        self.check_signature(action, hook, now)?;
        self.has_seat(service, stream).await
    }

    async fn has_seat(&self, service: &Service, stream: &str) -> Result<(), Problem> {
        if service.is_room_stream(stream).await? { Ok(()) } else { Err(gone()) }
    }
}

fn gone() -> Problem {
    Problem::new(Code::Forbidden, "the stream's seat is gone")
}
