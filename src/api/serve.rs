//! Connections: how many at once, how long one may stand still, and how all of them end at a shutdown.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};

use super::{Door, router};

/// Standing still for so many times [`super::Limits::body_time`] ends a connection. Event streams say something more
/// often than that, and a quick route answers within it.
const STILL_FACTOR: u32 = 3;
/// So much read is progress; a request head alone is less.
const PROGRESS_BYTES: usize = 4_096;

/// Serves until `shutdown` resolves; then takes no new connection, tells streams to end, lets open requests finish, and
/// gives them at most [`super::Limits::drain_time`].
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "door.open");
    let porter = Porter {
        listener,
        seats: Arc::new(Semaphore::new(door.limits.most_connections)),
        patience: door.limits.body_time * STILL_FACTOR,
    };
    let closing = {
        let door = door.clone();
        async move {
            shutdown.await;
            door.close();
        }
    };
    let app = router(door.clone()).into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(porter, app).with_graceful_shutdown(closing).into_future();
    let late = async {
        door.closing().await;
        tokio::time::sleep(door.limits.drain_time).await;
    };
    tokio::select! {
        outcome = serving => outcome?,
        () = late => tracing::warn!("door.requests_cut_off"),
    }
    tracing::info!("door.closed");
    Ok(())
}

/// The other end of a connection; layers find it as `ConnectInfo<Peer>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Lets connections in while there are seats.
struct Porter {
    listener: TcpListener,
    seats: Arc<Semaphore>,
    patience: Duration,
}

impl Listener for Porter {
    type Io = Guarded;
    type Addr = Peer;

    async fn accept(&mut self) -> (Guarded, Peer) {
        // The semaphore is never closed; without a seat the connection would merely not be counted.
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection.delayed");
        }
        let still = Box::pin(tokio::time::sleep(self.patience));
        (Guarded { stream, still, patience: self.patience, read_since: 0, _seat: seat }, Peer(peer))
    }

    fn local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

impl Connected<IncomingStream<'_, Porter>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Porter>) -> Self {
        *stream.remote_addr()
    }
}

/// A connection that ends when nothing moves on it for too long. What counts as moving: anything written, the first bytes
/// of something new, and every further [`PROGRESS_BYTES`] read. So a client that sends its request byte by byte, or stops
/// reading its answer, holds a seat only so long.
struct Guarded {
    stream: TcpStream,
    still: Pin<Box<Sleep>>,
    patience: Duration,
    /// Bytes read since anything counted as progress.
    read_since: usize,
    _seat: Option<OwnedSemaphorePermit>,
}

impl Guarded {
    fn written(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if moved.is_ready() {
            self.read_since = 0;
        }
        self.watch(cx, moved)
    }

    /// Counts progress, and ends the connection when there was none for too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            let until = Instant::now() + self.patience;
            self.still.as_mut().reset(until);
            return moved;
        }
        match self.still.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let moved = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        let is_new = self.read_since == 0;
        self.read_since += read;
        if is_new || self.read_since >= PROGRESS_BYTES {
            self.read_since = read.min(1);
            return self.watch(cx, moved);
        }
        if moved.is_ready() { moved } else { self.watch(cx, moved) }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, moved)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, moved)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
