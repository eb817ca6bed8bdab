//! Ids in a path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

use crate::base::error::{Error, Result};
use crate::base::id;
use crate::key::token::KeyId;

/// The invitation in the path. What cannot be an id is 404, as an id that nothing has.
#[derive(Clone, Copy, Debug)]
pub struct InvitationId(pub Uuid);

impl FromRequest for InvitationId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request
            .match_info()
            .get("invitationId")
            .and_then(id::parse_id);
        ready(id.map(Self).ok_or_else(Error::not_found))
    }
}

/// The kept mail in the path. What cannot be an id is 404, as an id that nothing has.
#[derive(Clone, Copy, Debug)]
pub struct MessageId(pub Uuid);

impl FromRequest for MessageId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("messageId").and_then(id::parse_id);
        ready(id.map(Self).ok_or_else(Error::not_found))
    }
}

/// The webhook in the path. What cannot be an id is 404, as an id that nothing has.
#[derive(Clone, Copy, Debug)]
pub struct WebhookId(pub Uuid);

impl FromRequest for WebhookId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("webhookId").and_then(id::parse_id);
        ready(id.map(Self).ok_or_else(Error::not_found))
    }
}

/// A delivery of a webhook in the path. What cannot be an id is 404, as an id that nothing has.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryId {
    /// The webhook.
    pub webhook: Uuid,
    /// The delivery.
    pub delivery: Uuid,
}

impl FromRequest for DeliveryId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = |name| request.match_info().get(name).and_then(id::parse_id);
        let found = id("webhookId").zip(id("deliveryId"));
        ready(
            found
                .map(|(webhook, delivery)| Self { webhook, delivery })
                .ok_or_else(Error::not_found),
        )
    }
}

/// The key in the path. What cannot be an id is 404, as an id that nothing has.
#[derive(Clone, Debug)]
pub struct PathKeyId(pub KeyId);

impl FromRequest for PathKeyId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("keyId").and_then(KeyId::parse);
        ready(id.map(Self).ok_or_else(Error::not_found))
    }
}
