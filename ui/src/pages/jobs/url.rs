//! What the address bar says about the list of jobs, as the question that it puts to the server.
use slurmdash_api::jobs::{JobQuery, JobState};

use crate::router::{Query, path_with};

/// Rows on a page.
pub const PER_PAGE: usize = 50;

/// Arrays that can be open at the same time: each is a list of its own.
const MOST_OPEN: usize = 8;

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
        fold: query.get("fold") != "no",
        page: query.get("page").parse().ok().filter(|page| *page > 1),
        per_page: Some(PER_PAGE),
    }
}

/// The arrays whose tasks are shown, by their numbers.
pub fn open_arrays(query: &Query) -> Vec<u32> {
    let mut open: Vec<u32> = Vec::new();
    for number in query.get("open").split(',').filter_map(|number| number.parse().ok()) {
        if !open.contains(&number) && open.len() < MOST_OPEN {
            open.push(number);
        }
    }
    open
}

/// The text of [`open_arrays`] with one array opened, or closed when it was open.
pub fn with_array(query: &Query, array: u32) -> String {
    let mut open = open_arrays(query);
    match open.iter().position(|known| *known == array) {
        Some(place) => {
            open.remove(place);
        }
        None => open.push(array),
    }
    open.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

/// Where all tasks of an array are listed one by one; those of one state only, when one is given.
pub fn tasks_href(array: &str, state: Option<JobState>) -> String {
    path_with(
        "/jobs",
        &[
            ("view", "all"),
            ("q", &format!("{array}_")),
            ("fold", "no"),
            ("sort", "id"),
            ("state", state.map(JobState::as_str).unwrap_or_default()),
        ],
    )
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
        assert!(mine.fold && !read("fold=no").fold);
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
    fn arrays_are_opened_and_closed() {
        let query = Query::parse("open=7,x,9,7");
        assert_eq!(open_arrays(&query), [7, 9]);
        assert_eq!(with_array(&query, 7), "9");
        assert_eq!(with_array(&query, 12), "7,9,12");
        assert_eq!(tasks_href("7", Some(JobState::Failed)), "/jobs?view=all&q=7_&fold=no&sort=id&state=FAILED");
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
