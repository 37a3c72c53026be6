//! What a token hands out reaches no further than that token.

use super::*;

/// How far a token that asks reaches, as the use cases find it in the access table.
fn reach(token: &Token) -> Reach {
    match token.issued.kind {
        Kind::Session => Reach::Full,
        Kind::Scoped if token.issued.scopes.contains(&Scope::All) => Reach::Full,
        Kind::Scoped | Kind::Resource => {
            Reach::Within { scopes: token.issued.scopes.clone(), expires_at: token.issued.expires_at }
        }
    }
}

fn by(tokens: &Tokens, maker: u8) -> Bounds {
    Bounds { longest: LONGEST, reach: reach(tokens.by_id(id(maker)).unwrap()) }
}

#[test]
fn a_scope_token_issues_what_its_own_scopes_contain() {
    let maker = scoped(1, "maker", &[Scope::TokenEdit, Scope::Conda]);
    let tokens = after(&given([issue(maker), issue(scoped(2, "all", &[Scope::All]))]));
    let made = |issued, maker| decide(&tokens, Command::Issue(issued, by(&tokens, maker)), NOON).map(drop);
    assert_eq!(made(scoped(3, "x", &[Scope::CondaDownload, Scope::TokenEdit]), 1), Ok(()));
    let pypi = made(scoped(3, "x", &[Scope::Conda, Scope::PypiDownload]), 1);
    assert_eq!(pypi, Err(Refusal::ScopeBeyondMaker(Scope::PypiDownload)));
    assert_eq!(made(scoped(3, "x", &[Scope::All]), 1), Err(Refusal::ScopeBeyondMaker(Scope::All)));
    assert_eq!(made(reader(3, "x"), 1), Err(Refusal::KindBeyondMaker));
    let late = Issued { expires_at: NOON + HOUR * 25, ..scoped(3, "x", &[Scope::Conda]) };
    assert_eq!(made(late.clone(), 1), Err(Refusal::ExpiryBeyondMaker));
    assert_eq!((made(late, 2), made(reader(3, "x"), 2)), (Ok(()), Ok(())));
}

#[test]
fn a_scope_token_gets_no_string_of_a_better_token_and_prolongs_none() {
    let maker = scoped(1, "maker", &[Scope::TokenEdit]);
    let all = [
        issue(maker),
        issue(scoped(2, "all", &[Scope::All])),
        issue(reader(3, "ci")),
        issue(session(4, NOON)),
    ];
    let tokens = after(&given(all));
    let string = |number| {
        let (overlap, expires_at) = (Overlap::ToTheEnd, None);
        let wish = Reissue { token: id(number), sha256: [9; 32], overlap, expires_at, from: None };
        decide(&tokens, Command::Reissue(wish, by(&tokens, 1)), NOON).map(drop)
    };
    assert_eq!(string(1), Ok(()));
    assert_eq!(string(2), Err(Refusal::ScopeBeyondMaker(Scope::All)));
    assert_eq!((string(3), string(4)), (Err(Refusal::KindBeyondMaker), Err(Refusal::KindBeyondMaker)));
    let end = |number, expires_at| {
        let (name, description, expires_at) = (None, None, Some(expires_at));
        let edit = Edit { token: id(number), name, description, expires_at, from: None };
        decide(&tokens, Command::Edit(edit, by(&tokens, 1)), NOON).map(drop)
    };
    assert_eq!(end(1, NOON + HOUR * 25), Err(Refusal::ExpiryBeyondMaker));
    assert_eq!(end(2, NOON + HOUR * 25), Err(Refusal::ScopeBeyondMaker(Scope::All)));
    assert_eq!(end(2, NOON + HOUR), Ok(()), "to shorten needs nobody's leave");
}

#[derive(Debug, Clone)]
enum Wish {
    Issue { scopes: Vec<Scope>, hours: i32 },
    Edit { name: u8, hours: i32 },
    Reissue { hours: Option<i32>, overlap: i32 },
    EndOverlap,
    Revoke,
    Wait { hours: i32 },
}

/// Who asks (a token's number, or the owner's sign-in), about which token, for what.
fn step() -> impl Strategy<Value = (Option<u8>, u8, Wish)> {
    let scope = prop::sample::select(vec![
        Scope::TokenEdit,
        Scope::All,
        Scope::Conda,
        Scope::CondaDownload,
        Scope::Repos,
        Scope::Api,
        Scope::ApiRead,
    ]);
    let wish = prop_oneof![
        4 => (prop::collection::vec(scope, 0..4), 1..60).prop_map(|(scopes, hours)| Wish::Issue { scopes, hours }),
        2 => (0u8..6, 1..60).prop_map(|(name, hours)| Wish::Edit { name, hours }),
        2 => (prop::option::of(1..60), 0..30).prop_map(|(hours, overlap)| Wish::Reissue { hours, overlap }),
        1 => Just(Wish::EndOverlap),
        1 => Just(Wish::Revoke),
        1 => (1..8).prop_map(|hours| Wish::Wait { hours }),
    ];
    (prop::option::of(0u8..12), 0u8..12, wish)
}

fn command(wish: Wish, number: u8, bounds: Bounds, now: OffsetDateTime, string: u8) -> Command {
    let token = id(number);
    let after = |hours| now + HOUR * hours;
    match wish {
        Wish::Issue { scopes, hours } => {
            let secrets = vec![Secret { sha256: [string; 32], ends_at: after(hours) }];
            let expires_at = after(hours);
            let issued = scoped(number, &format!("t{number}"), &scopes);
            Command::Issue(Issued { issued_at: now, expires_at, secrets, ..issued }, bounds)
        }
        Wish::Edit { name, hours } => {
            let name = Some(TokenName::parse(&format!("t{name}")).unwrap());
            let edit = Edit { token, name, description: None, expires_at: Some(after(hours)), from: None };
            Command::Edit(edit, bounds)
        }
        Wish::Reissue { hours, overlap } => {
            let (overlap, expires_at) = (Overlap::For(HOUR * overlap), hours.map(after));
            Command::Reissue(Reissue { token, sha256: [string; 32], overlap, expires_at, from: None }, bounds)
        }
        Wish::EndOverlap => Command::EndOverlap { token, from: None },
        Wish::Revoke | Wish::Wait { .. } => revoke(number),
    }
}

/// Whether a string that does so much for so long may come into the hands of whoever reaches so far. Said anew here,
/// so that the rule and its test can disagree.
fn within(reach: &Reach, issued: &Issued, until: OffsetDateTime) -> bool {
    match reach {
        Reach::Full => true,
        Reach::Within { scopes, expires_at } => {
            let held = |wanted: &Scope| scopes.iter().any(|scope| scope.contains(*wanted));
            issued.kind == Kind::Scoped && issued.scopes.iter().all(held) && until <= *expires_at
        }
    }
}

proptest! {
    #[test]
    fn nothing_handed_out_reaches_further_than_who_asked(steps in prop::collection::vec(step(), 0..60)) {
        let (mut tokens, mut now, mut dead) = (Tokens::default(), NOON, BTreeSet::new());
        for (string, (asker, number, wish)) in (1u8..).zip(steps) {
            if let Wish::Wait { hours } = wish {
                now += HOUR * hours;
                continue;
            }
            // A dead asker, or one without the scope, is refused before anything is decided.
            let reach = match asker.map(|asker| tokens.by_id(id(asker))) {
                None => Reach::Full,
                Some(Some(asker)) if asker.lives(now) => reach(asker),
                Some(_) => continue,
            };
            let bounds = Bounds { longest: LONGEST, reach: reach.clone() };
            let before = tokens.clone();
            for event in decide(&tokens, command(wish, number, bounds, now, string), now).unwrap_or_default() {
                tokens = evolve(tokens, event.clone());
                match event {
                    Event::Issued(issued) => {
                        prop_assert!(within(&reach, &issued, issued.expires_at));
                    }
                    Event::Reissued { token, secret, older_end_at, .. } => {
                        let was = &before.by_id(token).unwrap().issued;
                        prop_assert!(within(&reach, was, secret.ends_at));
                        prop_assert!(older_end_at <= was.expires_at);
                    }
                    Event::Edited { token, expires_at, .. } => {
                        let was = &before.by_id(token).unwrap().issued;
                        prop_assert!(expires_at <= was.expires_at || within(&reach, was, expires_at));
                    }
                    Event::Revoked { token, .. } => drop(dead.insert(token)),
                    Event::OverlapEnded { .. } | Event::ExpiryWarned { .. } => {}
                }
            }
            for token in tokens.iter() {
                let id = token.issued.token;
                prop_assert!(!dead.contains(&id) || token.revoked, "{id} was revived");
                let was = before.by_id(id);
                prop_assert!(was.is_none_or(|was| was.lives(now) || !token.lives(now)), "{id} lives again");
                prop_assert!(token.issued.secrets.iter().all(|secret| secret.ends_at <= token.issued.expires_at
                    || was.is_some_and(|was| was.issued.secrets.contains(secret))));
            }
        }
    }
}
