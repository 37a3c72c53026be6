//! Edited, reissued, warned of.

use super::*;

fn edit(number: u8) -> Edit {
    Edit { token: id(number), name: None, description: None, expires_at: None, from: None }
}

fn renamed(number: u8, name: &str) -> Command {
    Command::Edit(Edit { name: Some(TokenName::parse(name).unwrap()), ..edit(number) }, full())
}

fn ending(number: u8, expires_at: OffsetDateTime) -> Command {
    Command::Edit(Edit { expires_at: Some(expires_at), ..edit(number) }, full())
}

fn reissue(number: u8, string: u8, overlap: Overlap) -> Command {
    let wish = Reissue { token: id(number), sha256: [string; 32], overlap, expires_at: None, from: None };
    Command::Reissue(wish, full())
}

fn end_overlap(number: u8) -> Command {
    Command::EndOverlap { token: id(number), from: None }
}

/// The strings that open something at this time.
fn good(tokens: &Tokens, number: u8, now: OffsetDateTime) -> Vec<u8> {
    let token = tokens.by_id(id(number)).unwrap();
    let strings = token.issued.secrets.iter().filter(|secret| secret.ends_at > now);
    if token.lives(now) { strings.map(|secret| secret.sha256[0]).collect() } else { vec![] }
}

#[test]
fn an_edit_keeps_the_string_and_its_end_is_the_tokens() {
    let end = NOON + HOUR * 48;
    let tokens = after(&given([issue(reader(1, "ci")), renamed(1, "nightly"), ending(1, end)]));
    assert_eq!(tokens.find("nightly", NOON).unwrap().issued.expires_at, end);
    assert_eq!(good(&tokens, 1, end - HOUR), [1]);
    assert_eq!(decide(&tokens, ending(1, end), NOON), Ok(vec![]), "nothing changes");
    assert_eq!(decide(&tokens, ending(1, NOON), NOON), Err(Refusal::PastExpiry));
    let far = decide(&tokens, ending(1, NOON + LONGEST + HOUR), NOON);
    assert_eq!(far, Err(Refusal::TooLong(3650)));
}

#[test]
fn a_new_name_must_be_free() {
    let tokens = after(&given([issue(reader(1, "a")), issue(scoped(2, "b", &[Scope::Repos]))]));
    assert_eq!(decide(&tokens, renamed(1, "b"), NOON), Err(Refusal::NameTaken("b".into())));
    assert_eq!(decide(&tokens, renamed(1, "a"), NOON), Ok(vec![]));
    let tokens = after(&given([issue(reader(1, "a")), issue(reader(2, "b")), revoke(2), renamed(1, "b")]));
    assert_eq!(tokens.find("b", NOON).unwrap().issued.token, id(1));
}

#[test]
fn a_reissue_kills_the_older_string_at_once_or_after_its_overlap() {
    let tokens = after(&given([issue(reader(1, "ci")), reissue(1, 7, Overlap::For(Duration::ZERO))]));
    assert_eq!(good(&tokens, 1, NOON), [7]);
    let tokens = after(&given([issue(reader(1, "ci")), reissue(1, 7, Overlap::For(HOUR))]));
    assert_eq!(good(&tokens, 1, NOON + HOUR - Duration::MICROSECOND), [1, 7]);
    assert_eq!(good(&tokens, 1, NOON + HOUR), [7]);
    assert_eq!(tokens.by_id(id(1)).unwrap().overlap_ends_at(NOON), Some(NOON + HOUR));
    assert_eq!(tokens.by_id(id(1)).unwrap().overlap_ends_at(NOON + HOUR), None);
}

#[test]
fn an_overlap_lasts_thirty_days_and_never_past_the_token() {
    let tokens = after(&given([issue(reader(1, "ci"))]));
    let long = |overlap| decide(&tokens, reissue(1, 7, Overlap::For(overlap)), NOON);
    assert_eq!(long(MAX_OVERLAP + Duration::SECOND), Err(Refusal::OverlapTooLong));
    assert!(long(MAX_OVERLAP).is_ok());
    for overlap in [Overlap::For(MAX_OVERLAP), Overlap::ToTheEnd] {
        let tokens = after(&given([issue(reader(1, "ci")), reissue(1, 7, overlap)]));
        let end = tokens.by_id(id(1)).unwrap().issued.expires_at;
        assert_eq!(good(&tokens, 1, end - Duration::MICROSECOND), [1, 7]);
        assert_eq!(good(&tokens, 1, end), [] as [u8; 0]);
    }
}

#[test]
fn a_second_reissue_prolongs_no_older_string() {
    let twice = [reissue(1, 7, Overlap::For(HOUR)), reissue(1, 8, Overlap::For(HOUR * 2))];
    let tokens = after(&given([issue(reader(1, "ci"))].into_iter().chain(twice)));
    assert_eq!(good(&tokens, 1, NOON), [1, 7, 8]);
    assert_eq!(good(&tokens, 1, NOON + HOUR), [7, 8]);
    assert_eq!(good(&tokens, 1, NOON + HOUR * 2), [8]);
}

#[test]
fn an_overlap_is_ended_early_and_that_twice_is_once() {
    let mut history =
        given([issue(reader(1, "ci")), reissue(1, 7, Overlap::For(HOUR)), reissue(1, 8, Overlap::For(HOUR))]);
    assert_eq!(good(&after(&history), 1, NOON), [1, 7, 8]);
    history.extend(decide(&after(&history), end_overlap(1), NOON).unwrap());
    assert_eq!(good(&after(&history), 1, NOON), [8]);
    assert_eq!(decide(&after(&history), end_overlap(1), NOON), Ok(vec![]));
    assert_eq!(decide(&after(&history), end_overlap(9), NOON), Err(Refusal::NotFound));
}

#[test]
fn a_revocation_during_an_overlap_kills_every_string() {
    let tokens = after(&given([issue(reader(1, "ci")), reissue(1, 7, Overlap::For(HOUR)), revoke(1)]));
    assert_eq!(good(&tokens, 1, NOON), [] as [u8; 0]);
    assert_eq!(decide(&tokens, reissue(1, 8, Overlap::ToTheEnd), NOON), Err(Refusal::Revoked));
    assert_eq!(decide(&tokens, ending(1, NOON + HOUR * 48), NOON), Err(Refusal::Revoked));
    assert_eq!(decide(&tokens, end_overlap(1), NOON), Ok(vec![]));
}

#[test]
fn what_has_expired_stays_expired() {
    let tokens = after(&given([issue(reader(1, "ci"))]));
    let later = NOON + HOUR * 24;
    assert_eq!(decide(&tokens, ending(1, later + HOUR), later), Err(Refusal::Expired));
    assert_eq!(decide(&tokens, reissue(1, 7, Overlap::ToTheEnd), later), Err(Refusal::Expired));
}

#[test]
fn a_sign_in_gets_a_new_string_but_no_more_time() {
    let tokens = after(&given([issue(session(1, NOON)), reissue(1, 7, Overlap::ToTheEnd)]));
    assert_eq!(good(&tokens, 1, NOON).len(), 2);
    assert_eq!(decide(&tokens, ending(1, NOON + HOUR * 2), NOON), Err(Refusal::SignInProlonged));
}

#[test]
fn each_end_is_warned_of_once_when_it_is_near() {
    let warn = |tokens: &Tokens, now| decide(tokens, Command::Warn { within: HOUR }, now).unwrap();
    let mut history =
        given([issue(reader(1, "ci")), issue(session(2, NOON)), issue(reader(3, "x")), revoke(3)]);
    assert_eq!(warn(&after(&history), NOON), []);
    let soon = NOON + HOUR * 23 + Duration::MINUTE;
    let warned = warn(&after(&history), soon);
    assert_eq!(warned, [Event::ExpiryWarned { token: id(1), expires_at: NOON + HOUR * 24 }]);
    history.extend(warned);
    assert_eq!(warn(&after(&history), soon), []);
    history.extend(decide(&after(&history), ending(1, NOON + HOUR * 30), soon).unwrap());
    assert_eq!(warn(&after(&history), soon), []);
    assert_eq!(warn(&after(&history), NOON + HOUR * 29 + Duration::MINUTE).len(), 1, "another end");
}
