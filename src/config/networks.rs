//! Networks as they are written in the configuration: an address, or a network such as `10.0.0.0/8`.
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

/// Writes networks with their prefix.
pub(super) fn serialize<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    networks.iter().map(IpNet::to_string).collect::<Vec<_>>().serialize(serializer)
}

/// Reads networks and single addresses.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| read(text).map_err(D::Error::custom)).collect()
}

fn read(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => {
            text.parse().map_err(|_| format!("must be addresses or networks such as 10.0.0.0/8, not {text:?}"))?
        }
    };
    if network.addr() != network.network() {
        return Err(format!(
            "must be networks without what is beyond the prefix: {} instead of {text}",
            network.trunc()
        ));
    }
    if network.addr() != network.addr().to_canonical() {
        return Err(format!("must have IPv4 networks as such, not within IPv6: {text}"));
    }
    if network.prefix_len() == 0 {
        return Err(format!("must not be everybody ({text}): whoever is trusted may say to be anybody"));
    }
    Ok(network)
}
