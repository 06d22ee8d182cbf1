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
use crate::rtmp::{self, Cuts};

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

/// Bytes to be written.
#[derive(Clone, Debug)]
pub struct Piece {
    bytes: Bytes,
    /// Of a picture: where sound may come between its bytes, and how many of them are written.
    cuts: Option<(Cuts, usize)>,
}

impl Piece {
    /// A picture, [framed](crate::rtmp::server::framed) as one message: what [cannot wait](Pipe::interject) may pass it.
    pub fn picture(framed: Bytes) -> Self {
        let cuts = rtmp::cuts(&framed);
        Self { bytes: framed, cuts: Some((cuts, 0)) }
    }

    fn advance(&mut self, written: usize) {
        self.bytes.advance(written);
        if let Some((_, from)) = &mut self.cuts {
            *from += written;
        }
    }

    /// How many of its bytes have to be written before anything else can be; all of them if nothing may come between.
    fn until_cut(&self) -> usize {
        self.cuts.map_or(self.bytes.len(), |(cuts, from)| cuts.after(from).min(self.bytes.len()))
    }
}

impl From<Bytes> for Piece {
    /// Bytes that nothing may pass.
    fn from(bytes: Bytes) -> Self {
        Self { bytes, cuts: None }
    }
}

/// A carrier and what is still to be written to it.
///
/// The pipe itself sets no limit to what is pushed: its owner looks at [`pending`](Self::pending) first.
#[derive(Debug)]
pub struct Pipe<C> {
    carrier: C,
    unsent: VecDeque<Piece>,
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
    pub fn offer(&mut self, pieces: &[Piece]) -> Offer {
        if self.pending > 0 || self.unflushed {
            return Offer::Waiting;
        }
        let cx = &mut Context::from_waker(Waker::noop());
        let carrier = Pin::new(&mut self.carrier);
        let written = match pieces {
            [one] => carrier.poll_write(cx, &one.bytes),
            more => {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let count = more.len().min(MAX_SLICES);
                slices.iter_mut().zip(more).for_each(|(slice, piece)| *slice = IoSlice::new(&piece.bytes));
                carrier.poll_write_vectored(cx, &slices[..count])
            }
        };
        let Poll::Ready(Ok(written @ 1..)) = written else { return Offer::Full };
        self.written += written as u64;
        let mut skip = written;
        for piece in pieces {
            let part = skip.min(piece.bytes.len());
            skip -= part;
            let mut rest = piece.clone();
            rest.advance(part);
            self.push(rest);
        }
        let flushed = matches!(Pin::new(&mut self.carrier).poll_flush(cx), Poll::Ready(Ok(())));
        self.unflushed = !flushed;
        if flushed && self.pending == 0 { Offer::Taken } else { Offer::Begun }
    }

    /// Appends bytes; they are written by the next [`ready`](Self::ready).
    pub fn push(&mut self, piece: impl Into<Piece>) {
        let piece = piece.into();
        if !piece.bytes.is_empty() {
            self.pending += piece.bytes.len();
            self.unsent.push_back(piece);
        }
    }

    /// Puts bytes that cannot wait before the first picture, or behind its next chunk if it has been begun. They do not pass each other.
    pub fn interject(&mut self, bytes: Bytes) {
        let Some(at) = self.place() else { return self.push(bytes) };
        let Some(picture) = self.unsent.get_mut(at) else { return self.push(bytes) };
        self.pending += bytes.len();
        let begun = picture.until_cut();
        if begun == 0 {
            return self.unsent.insert(at, bytes.into());
        }
        let head = picture.bytes.slice(..begun);
        picture.advance(begun);
        self.unsent.insert(at, bytes.into());
        self.unsent.insert(at, head.into());
    }

    /// Bytes that go before what is [interjected](Self::interject) now.
    pub fn ahead(&self) -> usize {
        match self.place() {
            Some(at) => self.unsent.iter().take(at + 1).map(Piece::until_cut).sum(),
            None => self.pending,
        }
    }

    /// Where the first picture is that can be passed.
    fn place(&self) -> Option<usize> {
        self.unsent.iter().position(|piece| piece.cuts.is_some() && piece.until_cut() < piece.bytes.len())
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
            for (slice, piece) in slices.iter_mut().zip(&self.unsent) {
                *slice = IoSlice::new(&piece.bytes);
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
            if written < front.bytes.len() {
                front.advance(written);
                break;
            }
            written -= front.bytes.len();
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
    use crate::rtmp::{Packet, PacketKind};
    use tokio::io::{AsyncReadExt, AsyncWriteExt as _};

    #[tokio::test]
    async fn bytes_arrive_whole_and_in_order_through_a_narrow_carrier() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut pipe = Pipe::new(near);
        let mut sent = Vec::new();
        for i in 0..200_u8 {
            let bytes = vec![i; usize::from(i % 5)];
            sent.extend_from_slice(&bytes);
            pipe.push(Bytes::from(bytes));
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
        pipe.push(Bytes::from(vec![0; 100]));
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
        pipe.push(Bytes::from(vec![0; 100]));
        timeout(Duration::from_secs(20), pipe.close(Duration::from_millis(20))).await.unwrap();
    }

    #[tokio::test]
    async fn an_offer_is_taken_whole_begun_or_refused_and_nothing_overtakes() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut pipe = Pipe::new(near);
        let bytes = |text: &'static str| Piece::from(Bytes::from_static(text.as_bytes()));
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
    async fn sound_passes_pictures_between_their_chunks_and_nothing_else() {
        let packet = |kind, size: usize| Packet { kind, timestamp_ms: 5, payload: (0..size).map(|i| i as u8).collect() };
        let sounds = [b'a', b'b', b'c', b'd'].map(|n| Packet { payload: vec![n; 20].into(), ..packet(PacketKind::Audio, 0) });
        let framed = |packet: &Packet| rtmp::server::framed(1, packet).unwrap();
        let [first, second] = [100_000, 30_000].map(|size| packet(PacketKind::Video, size));
        let (near, mut far) = tokio::io::duplex(100);
        let mut pipe = Pipe::new(near);
        let mut all = Vec::new();
        // Before a picture that has not been begun, in order.
        pipe.push(Piece::picture(framed(&first)));
        assert_eq!(pipe.ahead(), 0);
        pipe.interject(framed(&sounds[0]));
        let mut buffer = [0; 50_000];
        let mut wire = async |pipe: &mut Pipe<_>, until: usize| {
            while all.len() < until {
                tokio::select! {
                    biased;
                    n = far.read(&mut buffer) => all.extend_from_slice(&buffer[..n.unwrap()]),
                    ready = pipe.ready(false) => drop(ready.unwrap()),
                }
            }
            all.clone()
        };
        wire(&mut pipe, 200).await;
        // Inside one that has: behind the chunk that is on its way.
        let ahead = pipe.ahead();
        assert!(ahead > 3000 && ahead < 4200, "{ahead}");
        pipe.push(Piece::picture(framed(&second)));
        pipe.interject(framed(&sounds[1]));
        pipe.interject(framed(&sounds[2]));
        assert_eq!(pipe.ahead(), ahead + 2 * (12 + 20));
        pipe.interject(framed(&sounds[3]));
        let size = pipe.written() as usize + pipe.pending();
        let mut reader = rtmp::chunk::Reader::default();
        let all = wire(&mut pipe, size).await;
        // The reader must be told the size of chunks first.
        let told = [&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &4096_u32.to_be_bytes()].concat();
        assert!(reader.read(&mut &told[..]).unwrap().is_some());
        let mut rest = &all[..];
        let mut kinds = Vec::new();
        while let Some(message) = reader.read(&mut rest).unwrap() {
            let expected = match kinds.len() {
                n @ 0..4 => &sounds[n],
                4 => &first,
                _ => &second,
            };
            assert_eq!(message.payload, expected.payload);
            kinds.push(message.kind);
        }
        assert_eq!(kinds, [8, 8, 8, 8, 9, 9]);
        assert_eq!((pipe.pending(), pipe.ahead()), (0, 0));
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
