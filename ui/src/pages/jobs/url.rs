//! What the address bar says about the list of jobs, as the question that it puts to the server.
use slurmdash_api::jobs::JobQuery;

use crate::router::Query;

/// Rows on a page.
pub const PER_PAGE: usize = 50;

/// The filters, by their names in the URL.
pub const FILTERS: [&str; 4] = ["q", "state", "partition", "user"];

/// Reads the URL's query. What the server could not understand is left out, so that an old or mistyped link still shows
/// a list.
pub fn read(query: &Query) -> JobQuery {
    let text = |name: &str| Some(query.get(name).trim().to_owned()).filter(|value| !value.is_empty());
    let all = query.get("view") == "all";
    JobQuery {
        state: text("state"),
        partition: text("partition"),
        user: text("user").filter(|_| all),
        q: text("q"),
        mine: !all,
        sort: text("sort"),
        page: query.get("page").parse().ok().filter(|page| *page > 1),
        per_page: Some(PER_PAGE),
    }
}

/// Whether anything but the tab narrows the list down.
pub fn is_filtered(query: &JobQuery) -> bool {
    query.state.is_some() || query.partition.is_some() || query.user.is_some() || query.q.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_the_question() {
        let read = |text| read(&Query::parse(text));
        let mine = read("");
        assert!(mine.mine && mine.page.is_none() && !is_filtered(&mine));
        let all = read("view=all&state=RUNNING&user=ada&q=%20cfd&sort=-cpus&page=3&partition=viz");
        assert!(!all.mine && is_filtered(&all));
        assert_eq!(all.state.as_deref(), Some("RUNNING"));
        assert_eq!(all.user.as_deref(), Some("ada"));
        assert_eq!(all.q.as_deref(), Some("cfd"));
        assert_eq!(all.sort.as_deref(), Some("-cpus"));
        assert_eq!(all.page, Some(3));
    }

    #[test]
    fn odd_links_still_show_a_list() {
        for odd in ["page=0", "page=1", "page=-4", "page=x", "view=whatever", "state=%20"] {
            let query = read(&Query::parse(odd));
            assert_eq!((query.page, query.state, query.mine), (None, None, true), "{odd}");
        }
        assert_eq!(read(&Query::parse("user=ada")).user, None, "the list is one's own anyway");
    }
}
