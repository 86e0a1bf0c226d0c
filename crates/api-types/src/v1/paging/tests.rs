use super::*;

fn read(query: &[(&str, &'static str)], usual: Usual) -> Result<Paging, Problems> {
    let find = |key: &str| query.iter().find(|(name, _)| *name == key).map(|(_, text)| *text);
    Paging::read(find, usual)
}

/// The items 0..total cut by the query: the page, then page, per_page, count, total, pages.
fn check(query: &[(&str, &'static str)], usual: Usual, total: u64, want: (&[u64], [u64; 5])) {
    let items: Vec<u64> = (0..total).collect();
    let (page, info) = read(query, usual).unwrap().cut(&items);
    let ResultInfo { page: number, per_page, count, total_count, total_pages } = info;
    assert_eq!((page, [number, per_page, count, total_count, total_pages]), want, "{query:?}");
}

#[test]
fn lists_whose_clients_never_turn_the_page_are_whole() {
    let all: Vec<u64> = (0..60).collect();
    check(&[], Usual::Whole, 3, (&[0, 1, 2], [1, 25, 3, 3, 1]));
    check(&[], Usual::Whole, 60, (&all, [1, 60, 60, 60, 1]));
    check(&[], Usual::Whole, 0, (&[], [1, 25, 0, 0, 0]));
    check(&[("page", "2")], Usual::Whole, 60, (&[], [2, 60, 0, 60, 1]));
    check(&[("per_page", "2")], Usual::Whole, 3, (&[0, 1], [1, 2, 2, 3, 2]));
    check(&[("limit", "2"), ("offset", "1")], Usual::Whole, 4, (&[1, 2], [1, 2, 2, 4, 2]));
}

#[test]
fn a_page_past_the_end_is_empty_so_that_clients_stop() {
    let two = [("page", "2"), ("per_page", "2")];
    check(&two, ZONES, 3, (&[2], [2, 2, 1, 3, 2]));
    check(&[("page", "3"), ("per_page", "2")], ZONES, 3, (&[], [3, 2, 0, 3, 2]));
    check(&[("page", "1000000000")], RECORDS, 3, (&[], [1_000_000_000, 100, 0, 3, 1]));
    check(&[("page", "2")], ZONES, 21, (&[20], [2, 20, 1, 21, 2]));
}

#[test]
fn what_is_no_number_or_out_of_range_is_refused() {
    let check = |query: &[(&str, &'static str)], want: &str| {
        assert_eq!(read(query, ZONES).unwrap_err().to_string(), want);
    };
    check(&[("page", "0")], ": page is not in range [1, 1000000000]");
    check(&[("page", "x")], ": page is not in range [1, 1000000000]");
    check(
        &[("per_page", "-1"), ("offset", "-1")],
        ": per_page is not in range [1, 5000000]; : offset is not in range [0, 1000000000]",
    );
}
