use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const XFF: HeaderName = HeaderName::from_static("x-forwarded-for");

fn trusted() -> Vec<IpNet> {
    ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|text| text.parse().unwrap()).to_vec()
}

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect()
}

fn seen(peer: &str, lines: &[(HeaderName, &str)]) -> String {
    client_address(peer.parse().unwrap(), &headers(lines), &trusted()).to_string()
}

#[test]
fn an_untrusted_peer_is_who_it_is() {
    for lines in [vec![(XFF, "192.0.2.1")], vec![(FORWARDED, "for=192.0.2.1")], vec![(XFF, "10.0.0.1, 10.0.0.2")]] {
        assert_eq!(seen("198.51.100.7", &lines), "198.51.100.7");
        assert_eq!(seen("::ffff:198.51.100.7", &lines), "198.51.100.7");
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers(&lines), &[]).to_string(), "10.0.0.1");
    }
}

#[test]
fn x_forwarded_for_is_walked_from_its_end() {
    for (text, client) in [
        ("192.0.2.1", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1, 192.0.2.1", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1, 10.0.0.2,10.0.0.3", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1,\tfd00::5 , ::ffff:10.0.0.3", "192.0.2.1"),
        // All are ours: the first of them asks.
        ("10.9.9.9, 10.0.0.2", "10.9.9.9"),
        // Made up by the client, and not looked at.
        ("'; drop table, \"\\, 192.0.2.1", "192.0.2.1"),
        // A proxy that doesn't say who called it.
        ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("unknown", "10.0.0.1"),
        // Nothing that an address can be read from.
        ("", "10.0.0.1"),
        (",", "10.0.0.1"),
        ("192.0.2.1,", "10.0.0.1"),
        ("192.0.2.1, nonsense, 10.0.0.2", "10.0.0.1"),
        ("192.0.2.256", "10.0.0.1"),
        ("192.0.2.1:", "10.0.0.1"),
        ("192.0.2.1:x", "10.0.0.1"),
        ("192.0.2.1:123456", "10.0.0.1"),
        ("[192.0.2.1]", "10.0.0.1"),
        ("[2001:db8::1", "10.0.0.1"),
        ("[2001:db8::1]x", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ("192.0.2.1 10.0.0.2", "10.0.0.1"),
        ("192.0.2.é", "10.0.0.1"),
    ] {
        assert_eq!(seen("10.0.0.1", &[(XFF, text)]), client, "{text:?}");
    }
    assert_eq!(seen("::ffff:10.0.0.1", &[(XFF, "192.0.2.1")]), "192.0.2.1");
    assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
}

#[test]
fn several_lines_are_one_list() {
    let lines = [(XFF, "203.0.113.9"), (XFF, "192.0.2.1, 10.0.0.2"), (XFF, "10.0.0.3")];
    assert_eq!(seen("10.0.0.1", &lines), "192.0.2.1");
    let lines = [(FORWARDED, "for=203.0.113.9"), (FORWARDED, "for=192.0.2.1, for=10.0.0.2")];
    assert_eq!(seen("10.0.0.1", &lines), "192.0.2.1");
}

#[test]
fn forwarded_is_read_as_rfc_7239_has_it() {
    for (text, client) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=\"192.0.2.1:47011\"", "192.0.2.1"),
        ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
        ("for=192.0.2.1;proto=http;by=203.0.113.43", "192.0.2.1"),
        ("proto=https; FOR=192.0.2.1 ;by=\"a,b;for=1.2.3.4\\\"\"", "192.0.2.1"),
        ("for=203.0.113.9, for=192.0.2.1,for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1;;", "192.0.2.1"),
        ("for=\"1\\92.0.2.1\"", "192.0.2.1"),
        ("for=192.0.2.1:_port", "192.0.2.1"),
        // Who won't say ends the walk.
        ("for=203.0.113.9, for=unknown, for=10.0.0.2", "10.0.0.2"),
        ("for=203.0.113.9, for=\"_gazonk\", for=10.0.0.2", "10.0.0.2"),
        ("for=203.0.113.9, proto=http, for=10.0.0.2", "10.0.0.2"),
        ("for=203.0.113.9, for=\"unknown:80\"", "10.0.0.1"),
        ("", "10.0.0.1"),
        // No such form.
        ("192.0.2.1", "10.0.0.1"),
        ("for", "10.0.0.1"),
        ("for=", "10.0.0.1"),
        ("for=\"192.0.2.1", "10.0.0.1"),
        ("for=192.0.2.1\"", "10.0.0.1"),
        ("for=\"192.0.2.1\"x\"\"", "10.0.0.1"),
        ("for=192.0.2.1;for=192.0.2.2", "10.0.0.1"),
        ("for=203.0.113.9;x=\", for=192.0.2.1", "10.0.0.1"),
        ("for=nonsense", "10.0.0.1"),
        ("for=192.0.2.1, for=_, for=10.0.0.2", "10.0.0.1"),
    ] {
        assert_eq!(seen("10.0.0.1", &[(FORWARDED, text)]), client, "{text:?}");
    }
}

#[test]
fn a_header_that_the_proxy_passed_on_unread_is_not_believed() {
    let both = |one, other| seen("10.0.0.1", &[(XFF, one), (FORWARDED, other)]);
    assert_eq!(both("192.0.2.1", "for=192.0.2.1"), "192.0.2.1");
    assert_eq!(both("192.0.2.1", "for=203.0.113.9"), "10.0.0.1");
    assert_eq!(both("203.0.113.9", "nonsense"), "10.0.0.1");
}

#[test]
fn a_long_list_is_not_walked_for_ever() {
    let text = format!("192.0.2.1{}", ", 10.0.0.2".repeat(31));
    assert_eq!(seen("10.0.0.1", &[(XFF, &text)]), "192.0.2.1");
    let text = format!("192.0.2.1{}", ", 10.0.0.2".repeat(32));
    assert_eq!(seen("10.0.0.1", &[(XFF, &text)]), "10.0.0.2");
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::from), any::<Ipv6Addr>().prop_map(IpAddr::from)]
}

/// What one might send to confuse the reader.
fn junk() -> impl Strategy<Value = String> {
    let part = "(for=|by=|\"|\\\\|,|;|=| |\\[|\\]|:|unknown|_x|192\\.0\\.2\\.1|10\\.0\\.0\\.2|2001:db8::1|[!-~])";
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn headers_of_an_untrusted_peer_change_nothing(peer in any_address(), one in junk(), other in junk()) {
        let networks = trusted();
        prop_assume!(!networks.iter().any(|network| network.contains(&peer.to_canonical())));
        let headers = headers(&[(XFF, &one), (FORWARDED, &other)]);
        prop_assert_eq!(client_address(peer, &headers, &networks), peer.to_canonical());
    }

    /// Whatever the client writes before it, the address that the first trusted proxy saw is found or, where the list
    /// can't be read, the peer; never one that the client made up.
    #[test]
    fn what_the_client_makes_up_is_never_believed(
        client in any_address(),
        made_up in junk(),
        proxies in prop::collection::vec(any::<[u8; 3]>(), 0..5),
    ) {
        let client = client.to_canonical();
        prop_assume!(!trusted().iter().any(|network| network.contains(&client)));
        let peer = IpAddr::from([10, 0, 0, 1]);
        let proxies = proxies.iter().map(|&[a, b, c]| format!("10.{a}.{b}.{c}"));
        let chain: Vec<String> = std::iter::once(client.to_string()).chain(proxies).collect();
        let list = format!("{made_up}, {}", chain.join(", "));
        prop_assert_eq!(client_address(peer, &headers(&[(XFF, &list)]), &trusted()), client);
        let quoted = |text: &String| if text.contains(':') { format!("for=\"[{text}]\"") } else { format!("for={text}") };
        let list = format!("{made_up}, {}", chain.iter().map(quoted).collect::<Vec<_>>().join(", "));
        let found = client_address(peer, &headers(&[(FORWARDED, &list)]), &trusted());
        prop_assert!(found == client || found == peer, "{} in {}", found, list);
        let list = format!("for=203.0.113.9, {}", chain.iter().map(quoted).collect::<Vec<_>>().join(", "));
        prop_assert_eq!(client_address(peer, &headers(&[(FORWARDED, &list)]), &trusted()), client);
    }

    #[test]
    fn any_bytes_are_taken(peer in any_address(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let everybody = ["0.0.0.0/0", "::/0"].map(|text| text.parse::<IpNet>().unwrap());
        for name in [XFF, FORWARDED] {
            client_address(peer, &HeaderMap::from_iter([(name, value.clone())]), &everybody);
        }
    }
}
