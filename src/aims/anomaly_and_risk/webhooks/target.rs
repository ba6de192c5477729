//! **Where a webhook may point.** Somebody who can make this Back End send requests could otherwise reach what only it
//! can reach: its own ports, its neighbours, the metadata service of a cloud (server-side request forgery; OWASP).
//!
//! | Rule | Against |
//! | --- | --- |
//! | `https`, a host, no user or password, port 443 or 8443, no fragment | readable traffic, other services, confusion about the host |
//! | the address parser of browsers (WHATWG) decides what the host is | `0x7f.1`, `2130706433`, `017700000001`, `127.1` |
//! | names are resolved here; **every** address must be public; the connection goes to those very addresses | names of private hosts; DNS rebinding |
//! | IPv6 only `2000::/3` without documentation, Teredo, 6to4; mapped IPv4 is judged as IPv4 | `::1`, `::ffff:10.0.0.1`, `fd00::`, NAT64 |
//! | redirects are not followed | a public address that sends elsewhere |
//!
//! Ranges: IANA special-purpose address registries (RFC 6890). An operator may allow networks by name in the settings;
//! to hosts in these, plain `http` and any port may be used.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use futures_util::{FutureExt, future::BoxFuture};
use reqwest::Url;

/// Longest address of a webhook, in characters.
const LONGEST_URL: usize = 2_048;
/// Where every machine of one cloud (Azure) finds what the cloud tells it: public by its range, and never somebody's host.
const CLOUD_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Ports to be reached outside networks the operator allows.
const PORTS: [u16; 2] = [443, 8443];

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL, or one without a host.
    #[error("it is not an address of the form https://host/path")]
    Form,
    /// Longer than an address may be.
    #[error("it is longer than {LONGEST_URL} characters")]
    Long,
    /// Another scheme than `https`.
    #[error("webhooks are called over https")]
    Scheme,
    /// A user or password in it.
    #[error("an address must not hold a user or password")]
    UserInfo,
    /// A fragment in it.
    #[error("an address must not have a fragment")]
    Fragment,
    /// Another port than 443 and 8443.
    #[error("webhooks are called on port 443 or 8443")]
    Port,
    /// An address that is not public.
    #[error("the host is not a public address")]
    Private,
    /// The name has no address.
    #[error("the name of the host cannot be resolved")]
    Unresolved,
}

/// A network an operator allows, such as `127.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network such as 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refuse = || NotANetwork(text.chars().take(60).collect());
        let (address, bits) = text.split_once('/').ok_or_else(refuse)?;
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let bits: u8 = bits.parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if bits > most { Err(refuse()) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let shift = width - u32::from(self.bits);
            // A shift by the whole width would be undefined; a network of no bits holds everything.
            one.checked_shr(shift).unwrap_or_default() == other.checked_shr(shift).unwrap_or_default()
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// Who knows the addresses of a name. The system, except where a test plays a name server that changes its mind.
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of a name, as of now.
    fn look_up<'a>(&'a self, name: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The names of the system.
#[derive(Debug, Clone, Copy)]
struct System;

impl Names for System {
    fn look_up<'a>(&'a self, name: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) }.boxed()
    }
}

/// Which hosts may be called.
#[derive(Debug, Clone)]
pub struct Targets {
    allowed: Vec<Network>,
    names: Arc<dyn Names>,
}

impl Default for Targets {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// An address that was judged, with where exactly to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub url: Url,
    /// Its host as a name; `None` when it is an address.
    pub name: Option<String>,
    /// What the host resolved to; every one of them was judged.
    pub addresses: Vec<SocketAddr>,
}

impl Targets {
    /// Public hosts, and those in networks the operator allows.
    pub fn new(allowed: Vec<Network>) -> Self {
        Self::with_names(allowed, Arc::new(System))
    }

    /// The same, with somebody else to ask for names.
    pub fn with_names(allowed: Vec<Network>, names: Arc<dyn Names>) -> Self {
        Self { allowed, names }
    }

    /// Judges an address and resolves its host. To be done before every call: what a name resolves to may change.
    ///
    /// # Errors
    /// [`TargetError`].
    pub async fn resolve(&self, text: &str) -> Result<Target, TargetError> {
        let url = parse(text)?;
        let port = url.port_or_known_default().ok_or(TargetError::Port)?;
        // The parser wrote addresses in their one form: dotted decimal, or brackets.
        let host = url.host_str().ok_or(TargetError::Form)?;
        let address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => Some(IpAddr::V6(inner.parse().map_err(|_| TargetError::Form)?)),
            None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        };
        let (name, addresses) = match address {
            Some(address) => (None, vec![SocketAddr::from((address, port))]),
            None => (Some(host.to_owned()), self.look_up(host, port).await?),
        };
        self.judge(&url, &addresses)?;
        Ok(Target { url, name, addresses })
    }

    async fn look_up(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
        let addresses = self.names.look_up(name, port).await.map_err(|_| TargetError::Unresolved)?;
        if addresses.is_empty() { Err(TargetError::Unresolved) } else { Ok(addresses) }
    }

    fn judge(&self, url: &Url, addresses: &[SocketAddr]) -> Result<(), TargetError> {
        let is_allowed = |address: &SocketAddr| self.allowed.iter().any(|network| network.holds(plain(address.ip())));
        if addresses.iter().all(is_allowed) {
            return Ok(());
        }
        // One private address among public ones is a trap.
        if !addresses.iter().all(|address| is_allowed(address) || is_public(address.ip())) {
            return Err(TargetError::Private);
        }
        match (url.scheme(), url.port_or_known_default()) {
            ("https", Some(port)) if PORTS.contains(&port) => Ok(()),
            ("https", _) => Err(TargetError::Port),
            _ => Err(TargetError::Scheme),
        }
    }
}

/// What can be judged of an address without asking anybody.
fn parse(text: &str) -> Result<Url, TargetError> {
    if text.len() > LONGEST_URL {
        return Err(TargetError::Long);
    }
    let url = Url::parse(text).map_err(|_| TargetError::Form)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(TargetError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(TargetError::Fragment);
    }
    Ok(url)
}

/// An IPv4 address that is written as IPv6 is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a == 10
        || (a == 100 && (64..128).contains(&b))
        || a == 127
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (18..20).contains(&b))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224
        || address == CLOUD_PLATFORM;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xe000 == 0x2000;
    // 2001::/23 (Teredo and others), 2001:db8::/32, 2002::/16 (6to4), 3fff::/20.
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn judged(text: &str) -> Result<Target, TargetError> {
        Targets::default().resolve(text).await
    }

    #[tokio::test]
    async fn public_addresses_over_https_pass() {
        for good in ["https://1.1.1.1/hook", "https://1.1.1.1:8443/", "https://[2606:4700::1111]/x?y=z"] {
            let target = judged(good).await.unwrap();
            assert_eq!((target.name, target.addresses.len()), (None, 1), "{good}");
        }
    }

    #[tokio::test]
    async fn every_spelling_of_a_private_address_is_refused() {
        for bad in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[fe80::a9fe:a9fe]",
            "[fd00::1]",
            "[fd00:ec2::254]",
            "[::ffff:168.63.129.16]",
            "[::ffff:0:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]",
            "[fec0::1]",
            "[ff02::1]",
            "[64:ff9b::a00:1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "①②⑦.0.0.1",
            "127。0。0。1",
        ] {
            assert_eq!(judged(&format!("https://{bad}/")).await, Err(TargetError::Private), "{bad}");
        }
        // A name is what it resolves to.
        assert_eq!(judged("https://localhost/").await, Err(TargetError::Private));
    }

    #[tokio::test]
    async fn other_addresses_are_refused_for_their_form() {
        use TargetError as E;
        for (bad, why) in [
            ("", E::Form),
            ("1.1.1.1", E::Form),
            ("https://", E::Form),
            ("https://1.1.1.1.1.1/", E::Form),
            ("https://256.1.1.1/", E::Form),
            ("http://1.1.1.1/", E::Scheme),
            ("ftp://1.1.1.1/", E::Scheme),
            ("file:///etc/passwd", E::Scheme),
            ("gopher://1.1.1.1/", E::Scheme),
            ("https://user@1.1.1.1/", E::UserInfo),
            ("https://user:word@1.1.1.1/", E::UserInfo),
            ("https://1.1.1.1@127.0.0.1/", E::UserInfo),
            ("https://1.1.1.1:22/", E::Port),
            ("https://1.1.1.1:6443/", E::Port),
            ("https://1.1.1.1/#part", E::Fragment),
            ("https://no-such-host.invalid/", E::Unresolved),
        ] {
            assert_eq!(judged(bad).await, Err(why), "{bad}");
        }
        assert_eq!(judged(&format!("https://1.1.1.1/{}", "a".repeat(3_000))).await, Err(E::Long));
    }

    #[tokio::test]
    async fn an_operator_may_allow_networks_and_nothing_beside_them() {
        let targets = Targets::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let target = targets.resolve("http://127.0.0.1:9/x").await.unwrap();
        assert_eq!(target.addresses, [SocketAddr::from(([127, 0, 0, 1], 9))]);
        assert!(targets.resolve("http://[::ffff:127.0.0.1]:9/x").await.is_ok());
        assert_eq!(targets.resolve("https://10.0.0.1/").await, Err(TargetError::Private));
        assert_eq!(targets.resolve("http://1.1.1.1/").await, Err(TargetError::Scheme));
        assert_eq!(targets.resolve("https://user@127.0.0.1/").await, Err(TargetError::UserInfo));
        for bad in ["", "127.0.0.1", "127.0.0.1/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds(IpAddr::from([9, 9, 9, 9])));
    }

    #[test]
    fn one_private_address_among_public_ones_is_a_trap() {
        let url = parse("https://host.example/").unwrap();
        let of = |octets: [u8; 4]| SocketAddr::from((octets, 443));
        assert_eq!(Targets::default().judge(&url, &[of([1, 1, 1, 1])]), Ok(()));
        let trap = [of([1, 1, 1, 1]), of([127, 0, 0, 1])];
        assert_eq!(Targets::default().judge(&url, &trap), Err(TargetError::Private));
    }
}
