//! A line to the chain that can be cut, mended, and led elsewhere.

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Listens at one address and passes everything on to another.
pub struct Relay {
    address: String,
    target: watch::Sender<Option<String>>,
}

impl Relay {
    /// To `host:port`.
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, target) = watch::channel(Some(target.to_owned()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, target.clone()));
            }
        });
        Self { address, target: sender }
    }

    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends all connections and lets none through.
    pub fn cut(&self) {
        self.target.send_replace(None);
    }

    /// Ends all connections; new ones go there.
    pub fn lead_to(&self, target: &str) {
        self.target.send_replace(Some(target.to_owned()));
    }
}

async fn pass_on(mut near: TcpStream, mut target: watch::Receiver<Option<String>>) {
    let Some(place) = target.borrow_and_update().clone() else { return };
    let Ok(mut far) = TcpStream::connect(place).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = target.changed() => {}
    }
}
