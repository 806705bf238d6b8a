//! What a program calls itself, as people would say it: `Firefox on Linux`, `curl 8.5.0`.
use crate::i18n::t;

/// Browsers by what they say of themselves, those first that also claim to be one further down.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, likewise.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac", "macOS"),
    ("Linux", "Linux"),
];

/// Longest name of a program that is shown, characters: anybody can call their program anything.
const LONGEST: usize = 40;

#[derive(Debug, PartialEq, Eq)]
enum Device {
    Browser(&'static str, Option<&'static str>),
    Program(String),
    Unknown,
}

fn read(agent: &str) -> Device {
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    if agent.starts_with("Mozilla/")
        && let Some(browser) = find(&BROWSERS)
    {
        return Device::Browser(browser, find(&SYSTEMS));
    }
    // `name/version (more)`, as RFC 9110 has it.
    let product = agent.split_whitespace().next().unwrap_or_default();
    let name: String = product.replacen('/', " ", 1).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if name.is_empty() { Device::Unknown } else { Device::Program(name) }
}

/// The device of a session.
pub fn device_words(agent: Option<&str>) -> String {
    match read(agent.unwrap_or_default()) {
        Device::Browser(browser, Some(system)) => t().access.browser_on(browser, system),
        Device::Browser(browser, None) => browser.to_owned(),
        Device::Program(name) => name,
        Device::Unknown => t().access.unknown_device(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_in_spite_of_what_they_pretend_to_be() {
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", Some("Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge",
                Some("Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
                "Chrome",
                Some("Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari",
                Some("iPhone"),
            ),
            ("Mozilla/5.0 (Haiku) Firefox/1", "Firefox", None),
        ];
        for (agent, browser, system) in cases {
            assert_eq!(read(agent), Device::Browser(browser, system), "{agent}");
        }
    }

    #[test]
    fn programs_go_by_their_names() {
        assert_eq!(read("curl/8.5.0"), Device::Program("curl 8.5.0".into()));
        assert_eq!(read("python-requests/2.32 extra"), Device::Program("python-requests 2.32".into()));
        assert_eq!(read(&"x".repeat(500)), Device::Program("x".repeat(LONGEST)));
        assert_eq!(read(""), Device::Unknown);
    }
}
