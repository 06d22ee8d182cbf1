//! Who asks: signing in, sessions, operators, and how often somebody may ask.

use super::{Inner, Service, rate_limited};
use crate::base::Secret;
use crate::proto::api::{Login, Session, Time};
use crate::proto::{Code, Identity, Problem, name};
use crate::server::limiter::Limiter;
use crate::server::limits;
use crate::server::room::{Marks, id, micros};
use crate::server::token::Person;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::PoisonError;

/// What people and operators have to know. May be changed at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// To sign in; `None`: nothing.
    pub access_key: Option<Secret>,
    /// To use the admin interface; `None`: there is none.
    pub admin_key: Option<Secret>,
}

/// How often who may do what.
pub(super) struct Rates {
    pub requests: Limiter<Identity>,
    pub messages: Limiter<Identity>,
    pub logins: Limiter<IpAddr>,
    pub wrong_passwords: Limiter<IpAddr>,
    pub wrong_keys: Limiter<IpAddr>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            requests: Limiter::new(limits::REQUESTS),
            messages: Limiter::new(limits::MESSAGES),
            logins: Limiter::new(limits::LOGINS),
            wrong_passwords: Limiter::new(limits::WRONG_PASSWORDS),
            wrong_keys: Limiter::new(limits::WRONG_KEYS),
        }
    }
}

impl Service {
    /// Sets what people and operators have to know from now on. Whoever is signed in stays so.
    pub fn set_access(&self, access: Access) {
        *self.0.access.write().unwrap_or_else(PoisonError::into_inner) = access;
    }

    /// The server's clock.
    pub fn time(&self) -> Time {
        Time { now_us: micros(self.now()) }
    }

    /// Signs somebody in; under a key of their own, they are the same person as before, and whoever they were signed in as is signed out.
    ///
    /// # Errors
    /// [`Code::BadName`], [`Code::BadRequest`] (a key too short or too long), [`Code::AccessKeyRequired`], [`Code::WrongAccessKey`], [`Code::RateLimited`].
    pub async fn login(&self, from: IpAddr, request: &Login) -> Result<Session, Problem> {
        let now = self.now();
        if !self.rates().logins.take(&network(from), now) {
            return Err(rate_limited());
        }
        self.check_access_key(from, request.access_key.as_deref())?;
        let name = name::check(&request.name).map_err(|e| Problem::new(Code::BadName, e.to_string()))?;
        let (identity, issued_us) = match &request.identity_key {
            None => (Identity::new(id::random(id::IDENTITY_CHARS)), 0),
            Some(key) if !limits::IDENTITY_KEY_BYTES.contains(&key.len()) => {
                let (least, most) = (limits::IDENTITY_KEY_BYTES.start(), limits::IDENTITY_KEY_BYTES.end());
                return Err(Problem::new(Code::BadRequest, format!("`identity_key` must be {least} to {most} bytes of text")));
            }
            Some(key) => {
                let identity = self.0.keys.identity(key);
                let issued_us = self.sign_in(&identity).await?;
                (identity, issued_us)
            }
        };
        let person = Person { identity, name: name.to_owned(), issued_us };
        let token = self.0.keys.session(&person, now + limits::SESSION);
        Ok(Session { identity: person.identity, token, servers: self.servers().to_vec() })
    }

    /// Who makes a request, by their bearer token.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::SignedInElsewhere`], [`Code::RateLimited`].
    pub async fn person(&self, token: &str) -> Result<Person, Problem> {
        let now = self.now();
        let person = self.0.keys.check_session(token, now);
        let person =
            person.ok_or_else(|| Problem::new(Code::Unauthorized, "sign in first: this session is unknown or has expired"))?;
        if !self.rates().requests.take(&person.identity, now) {
            return Err(rate_limited());
        }
        self.check_newest(&person).await?;
        Ok(person)
    }

    /// Fails for whoever is no operator.
    ///
    /// # Errors
    /// [`Code::NotFound`] where there is no admin interface, [`Code::Unauthorized`], [`Code::RateLimited`] after many wrong keys.
    pub fn check_operator(&self, from: IpAddr, key: &str) -> Result<(), Problem> {
        let wanted = self.0.access().admin_key;
        let wanted = wanted.ok_or_else(|| Problem::new(Code::NotFound, "the admin interface is off: set `admin_key`"))?;
        let wrong = Problem::new(Code::Unauthorized, "this is not the admin key");
        self.check_key(from, &wanted, key, wrong)
    }

    /// Whether there is an admin interface.
    pub fn has_operators(&self) -> bool {
        self.0.access().admin_key.is_some()
    }

    fn check_access_key(&self, from: IpAddr, given: Option<&str>) -> Result<(), Problem> {
        match (self.0.access().access_key, given) {
            (None, _) => Ok(()),
            (Some(_), None | Some("")) => Err(Problem::new(Code::AccessKeyRequired, "this server asks for its access key")),
            (Some(wanted), Some(given)) => {
                let wrong = Problem::new(Code::WrongAccessKey, "this is not the server's access key");
                self.check_key(from, &wanted, given, wrong)
            }
        }
    }

    fn check_key(&self, from: IpAddr, wanted: &Secret, given: &str, wrong: Problem) -> Result<(), Problem> {
        let (from, now) = (network(from), self.now());
        let mut rates = self.rates();
        if rates.wrong_keys.is_exhausted(&from, now) {
            return Err(Problem::new(Code::RateLimited, "too many wrong keys from your address; try again in a minute"));
        }
        if wanted.is(given) {
            return Ok(());
        }
        rates.wrong_keys.take(&from, now);
        Err(wrong)
    }

    /// By what that person would be known if they were removed from a room.
    pub(super) fn marks(&self, from: IpAddr, person: &Person) -> Marks {
        Marks::new(&self.0.keys, &person.identity, &person.name, network(from))
    }
}

impl Inner {
    pub(super) fn access(&self) -> Access {
        self.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Who counts as one address: an IPv6 subscriber has a whole /64.
pub(super) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}
