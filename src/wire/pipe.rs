//! A carrier with its unsent bytes: everything that is ready goes out in one vectored write.
//!
//! Whoever holds the pipe may also [`offer`](Pipe::offer) bytes to a carrier that has nothing to send, without waiting for anything.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::time::timeout;

use super::carrier::Carrier;

/// Bytes read at once at first: who only plays sends next to nothing, and one such buffer stays with every connection.
const MIN_READ_BUFFER: usize = 2 * 1024;

/// Bytes read at once from a peer that fills smaller buffers: a few pictures of a call.
const MAX_READ_BUFFER: usize = 32 * 1024;

/// Slices in one write; Linux takes at most 1024, more than 64 gain nothing.
const MAX_SLICES: usize = 64;

/// What [`Pipe::ready`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Bytes came in: see [`Pipe::received`].
    Received,
    /// All that was pushed has been handed to the kernel.
    Drained,
    /// The other side sends no more.
    Ended,
}

/// What became of bytes that were [offered](Pipe::offer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// They are with the kernel.
    Taken,
    /// They will be sent, but not without [`Pipe::ready`].
    Begun,
    /// Not a byte was taken: the kernel is full, or the connection broke. [`Pipe::ready`] will tell.
    Full,
    /// Not a byte was taken: others wait, for which [`Pipe::ready`] is being waited for already.
    Waiting,
}

/// A carrier and what is still to be written to it.
///
/// The pipe itself sets no limit to what is pushed: its owner looks at [`pending`](Self::pending) first.
#[derive(Debug)]
pub struct Pipe<C> {
    carrier: C,
    unsent: VecDeque<Bytes>,
    pending: usize,
    written: u64,
    /// Whether the carrier may hold back what it took until it is flushed.
    unflushed: bool,
    input: Vec<u8>,
    filled: usize,
}

impl<C: Carrier> Pipe<C> {
    /// A pipe with nothing in it.
    pub fn new(carrier: C) -> Self {
        let input = vec![0; MIN_READ_BUFFER];
        Self { carrier, unsent: VecDeque::new(), pending: 0, written: 0, unflushed: false, input, filled: 0 }
    }

    /// Writes `pieces` at once if nothing waits before them; never waits, and nobody is woken by it later.
    pub fn offer(&mut self, pieces: &[Bytes]) -> Offer {
        if self.pending > 0 || self.unflushed {
            return Offer::Waiting;
        }
        let cx = &mut Context::from_waker(Waker::noop());
        let carrier = Pin::new(&mut self.carrier);
        let written = match pieces {
            [one] => carrier.poll_write(cx, one),
            more => {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let count = more.len().min(MAX_SLICES);
                slices.iter_mut().zip(more).for_each(|(slice, bytes)| *slice = IoSlice::new(bytes));
                carrier.poll_write_vectored(cx, &slices[..count])
            }
        };
        let Poll::Ready(Ok(written @ 1..)) = written else { return Offer::Full };
        self.written += written as u64;
        let mut skip = written;
        for piece in pieces {
            let part = skip.min(piece.len());
            skip -= part;
            self.push(piece.slice(part..));
        }
        let flushed = matches!(Pin::new(&mut self.carrier).poll_flush(cx), Poll::Ready(Ok(())));
        self.unflushed = !flushed;
        if flushed && self.pending == 0 { Offer::Taken } else { Offer::Begun }
    }

    /// Appends bytes; they are written by the next [`ready`](Self::ready).
    pub fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.pending += bytes.len();
            self.unsent.push_back(bytes);
        }
    }

    /// Bytes pushed and not yet handed to the kernel.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Bytes handed to the kernel so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The bytes of the last [`Ready::Received`].
    pub fn received(&self) -> &[u8] {
        &self.input[..self.filled]
    }

    /// Writes what can be written, then waits until something happens. With `read` false nothing is read, so that the other side is held back.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn ready(&mut self, read: bool) -> io::Result<Ready> {
        poll_fn(|cx| self.poll_ready(cx, read)).await
    }

    /// [`ready`](Self::ready) for those who poll.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<io::Result<Ready>> {
        if (self.pending > 0 || self.unflushed) && self.poll_write(cx)?.is_ready() {
            return Poll::Ready(Ok(Ready::Drained));
        }
        if !read {
            return Poll::Pending;
        }
        if self.filled == self.input.len() && self.filled < MAX_READ_BUFFER {
            self.input.resize(self.filled * 4, 0);
        }
        let mut buffer = tokio::io::ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.carrier).poll_read(cx, &mut buffer)? {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.filled = buffer.filled().len();
                Poll::Ready(Ok(if self.filled == 0 { Ready::Ended } else { Ready::Received }))
            }
        }
    }

    /// Ready when everything has been written and flushed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.pending > 0 {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut count = 0;
            for (slice, bytes) in slices.iter_mut().zip(&self.unsent) {
                *slice = IoSlice::new(bytes);
                count += 1;
            }
            let written = match Pin::new(&mut self.carrier).poll_write_vectored(cx, &slices[..count])? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(n) => n,
                Poll::Pending => return Poll::Pending,
            };
            self.consume(written);
            self.unflushed = true;
        }
        let flushed = Pin::new(&mut self.carrier).poll_flush(cx)?;
        self.unflushed = flushed.is_pending();
        flushed.map(Ok)
    }

    fn consume(&mut self, mut written: usize) {
        self.written += written as u64;
        self.pending -= written;
        while let Some(front) = self.unsent.front_mut() {
            if written < front.len() {
                front.advance(written);
                break;
            }
            written -= front.len();
            self.unsent.pop_front();
        }
    }

    /// Writes the rest and says good-bye, for at most `limit`. What cannot be sent by then is lost, which is what the caller accepts.
    pub async fn close(mut self, limit: Duration) {
        finish(poll_fn(|cx| self.poll_close(cx)), limit).await;
    }

    /// Writes the rest and says good-bye, for those who poll.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_write(cx)?.is_pending() {
            return Poll::Pending;
        }
        Pin::new(&mut self.carrier).poll_shutdown(cx)
    }
}

/// Waits for a good-bye, but for no longer than `limit`.
pub async fn finish(farewell: impl Future<Output = io::Result<()>>, limit: Duration) {
    match timeout(limit, farewell).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "the connection broke while it was closed"),
        Err(_) => tracing::trace!("the connection was too slow to be closed politely"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt as _};

    #[tokio::test]
    async fn bytes_arrive_whole_and_in_order_through_a_narrow_carrier() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut pipe = Pipe::new(near);
        let mut sent = Vec::new();
        for i in 0..200_u8 {
            let bytes = vec![i; usize::from(i % 5)];
            sent.extend_from_slice(&bytes);
            pipe.push(bytes.into());
        }
        assert_eq!(pipe.pending(), sent.len());
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all
        });
        assert_eq!(pipe.ready(true).await.unwrap(), Ready::Drained);
        assert_eq!((pipe.pending(), pipe.written()), (0, sent.len() as u64));
        pipe.push(Bytes::from_static(b"rest"));
        pipe.close(Duration::from_secs(20)).await;
        sent.extend_from_slice(b"rest");
        assert_eq!(reader.await.unwrap(), sent);
    }

    #[tokio::test]
    async fn reading_goes_on_while_writing_is_stuck() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut pipe = Pipe::new(near);
        pipe.push(vec![0; 100].into());
        far.write_all(b"hello").await.unwrap();
        assert_eq!(pipe.ready(true).await.unwrap(), Ready::Received);
        assert_eq!((pipe.received(), pipe.pending()), (&b"hello"[..], 84));
        drop(far);
        assert!(pipe.ready(true).await.is_err());
    }

    #[tokio::test]
    async fn closing_a_stuck_pipe_takes_no_longer_than_allowed() {
        let (near, _far) = tokio::io::duplex(16);
        let mut pipe = Pipe::new(near);
        pipe.push(vec![0; 100].into());
        timeout(Duration::from_secs(20), pipe.close(Duration::from_millis(20))).await.unwrap();
    }

    #[tokio::test]
    async fn an_offer_is_taken_whole_begun_or_refused_and_nothing_overtakes() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut pipe = Pipe::new(near);
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(pipe.offer(&[bytes("ab")]), Offer::Taken);
        assert_eq!(pipe.offer(&[bytes("cd"), bytes(""), bytes("ef"), bytes("ghij"), bytes("kl")]), Offer::Begun);
        assert_eq!(pipe.offer(&[bytes("no")]), Offer::Waiting);
        pipe.push(bytes("mn"));
        let mut all = Vec::new();
        while all.len() < 14 {
            let mut some = [0; 5];
            let n = far.read(&mut some).await.unwrap();
            all.extend_from_slice(&some[..n]);
            let _ = timeout(Duration::from_millis(1), pipe.ready(false)).await;
        }
        assert_eq!(all, b"abcdefghijklmn");
        assert_eq!((pipe.offer(&[bytes("12345678")]), pipe.pending()), (Offer::Taken, 0));
        assert_eq!((pipe.offer(&[bytes("9")]), pipe.pending(), pipe.written()), (Offer::Full, 0, 22));
        drop(far);
        assert_eq!(pipe.offer(&[bytes("9")]), Offer::Full);
    }

    #[tokio::test]
    async fn the_buffer_grows_with_what_comes() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut pipe = Pipe::new(near);
        far.write_all(&[7; 100_000]).await.unwrap();
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 100_000 {
            assert_eq!(pipe.ready(true).await.unwrap(), Ready::Received);
            sizes.push(pipe.received().len());
        }
        assert_eq!((sizes[0], sizes.iter().max().copied()), (MIN_READ_BUFFER, Some(MAX_READ_BUFFER)));
    }
}
