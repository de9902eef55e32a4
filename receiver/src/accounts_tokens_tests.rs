//! Tokens that end: by a rotation, at once or after a while, and by being revoked.

use super::*;

#[test]
fn after_a_rotation_the_old_tokens_are_good_for_the_overlap_and_not_longer() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let old = accounts.add(&name("laptop"), Grant::FULL)?;
    let reader = accounts.issue(&name("laptop"), READ_ONLY)?;
    let rotated = accounts.rotate(&name("laptop"), Some(Access::Full), None, std::time::Duration::from_secs(500))?;
    assert_eq!((rotated.access, rotated.replaced), (Access::Full, 1));
    let new = rotated.token;
    for (seconds, old_is_good) in [(1_000, true), (1_499, true), (1_500, false), (9_999, false)] {
        clock.set(seconds);
        assert_eq!(accounts.verify(old.expose()).is_ok(), old_is_good, "{seconds}");
        assert_eq!(accounts.verify(new.expose())?.access, Access::Full);
        assert_eq!(accounts.verify(reader.expose())?.access, Access::ReadOnly, "what allows something else stays");
    }
    assert_eq!(refused(&accounts, old.expose()), Some(Unauthorized::Revoked));
    Ok(())
}

#[test]
fn a_rotation_without_overlap_ends_the_old_token_at_once_and_never_prolongs_one() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let first = accounts.add(&name("laptop"), Grant::FULL)?;
    let second = accounts.rotate(&name("laptop"), None, None, std::time::Duration::ZERO)?.token;
    assert_eq!(refused(&accounts, first.expose()), Some(Unauthorized::Revoked));
    let _third = accounts.rotate(&name("laptop"), None, None, std::time::Duration::from_secs(5_000))?;
    assert_eq!(refused(&accounts, first.expose()), Some(Unauthorized::Revoked), "what was revoked stays so");
    accounts.verify(second.expose())?;
    accounts.revoke(&claims_of(&accounts, &second).jti)?;
    assert_eq!(refused(&accounts, second.expose()), Some(Unauthorized::Revoked), "also within the overlap");
    Ok(())
}

#[test]
fn a_second_rotation_never_prolongs_what_the_first_let_end() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let first = accounts.add(&name("laptop"), Grant::FULL)?;
    for overlap in [500, 5_000] {
        accounts.rotate(&name("laptop"), None, None, std::time::Duration::from_secs(overlap))?;
    }
    clock.set(1_500);
    assert_eq!(refused(&accounts, first.expose()), Some(Unauthorized::Revoked));
    Ok(())
}

#[test]
fn a_rotation_keeps_to_the_kind_of_token_that_there_is_and_asks_where_there_are_several() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let laptop = name("laptop");
    let leaked = accounts.add(&laptop, Grant { access: Access::AppendOnly, expires: None })?;
    let rotate = |kind| accounts.rotate(&laptop, kind, None, std::time::Duration::ZERO);
    let refused_kind = rotate(Some(Access::Full));
    assert!(matches!(refused_kind, Err(AccountsError::NoToken(_, Some(Access::Full)))), "nothing would end");
    let rotated = rotate(None)?;
    assert_eq!(accounts.verify(rotated.token.expose())?.access, Access::AppendOnly, "never more than before");
    assert_eq!(refused(&accounts, leaked.expose()), Some(Unauthorized::Revoked));
    accounts.issue(&laptop, READ_ONLY)?;
    assert!(matches!(rotate(None), Err(AccountsError::SeveralKinds(_))));
    assert_eq!(rotate(Some(Access::ReadOnly))?.replaced, 1);
    accounts.revoke_all(&laptop)?;
    assert!(matches!(rotate(None), Err(AccountsError::NoToken(_, None))));
    Ok(())
}

#[test]
fn what_is_revoked_stays_so_when_the_clock_is_set_back() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let laptop = name("laptop");
    let revoked = accounts.add(&laptop, Grant::FULL)?;
    accounts.revoke(&claims_of(&accounts, &revoked).jti)?;
    let rotated = accounts.issue(&laptop, Grant::FULL)?;
    let all = accounts.rotate(&laptop, None, None, std::time::Duration::ZERO)?.token;
    accounts.revoke_all(&laptop)?;
    clock.set(1);
    for token in [revoked, rotated, all] {
        assert_eq!(refused(&accounts, token.expose()), Some(Unauthorized::Revoked));
    }
    Ok(())
}

#[test]
fn revoking_a_client_ends_all_its_tokens_and_nobody_elses() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let (one, other) = (accounts.add(&name("laptop"), Grant::FULL)?, accounts.add(&name("other"), Grant::FULL)?);
    let two = accounts.issue(&name("laptop"), READ_ONLY)?;
    assert_eq!(accounts.revoke_all(&name("laptop"))?, 2);
    assert_eq!(accounts.revoke_all(&name("laptop"))?, 0);
    for token in [one, two] {
        assert_eq!(refused(&accounts, token.expose()), Some(Unauthorized::Revoked));
    }
    accounts.verify(other.expose())?;
    assert!(matches!(accounts.revoke_all(&name("nobody")), Err(AccountsError::UnknownClient(_))));
    Ok(())
}
