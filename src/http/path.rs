//! Ids in a path. What cannot be an id is 404, as an id that nothing has.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

use super::router::read_param;
use crate::base::error::{Error, Result};
use crate::base::id;
use crate::key::token::KeyId;

/// The invitation in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvitationId(pub Uuid);

/// The kept mail in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageId(pub Uuid);

/// The webhook in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebhookId(pub Uuid);

/// A delivery of a webhook in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryId {
    /// The webhook.
    pub webhook: Uuid,
    /// The delivery.
    pub delivery: Uuid,
}

/// The key in the path.
#[derive(Clone, Debug)]
pub(crate) struct PathKeyId(pub KeyId);

/// Makes extractors of types, each by what it reads of a request.
macro_rules! extract {
    ($($id:ident: $read:expr,)+) => {$(
        impl FromRequest for $id {
            type Error = Error;
            type Future = Ready<Result<Self>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let read: fn(&HttpRequest) -> Option<Self> = $read;
                ready(read(request).ok_or_else(Error::not_found))
            }
        }
    )+};
}

extract! {
    InvitationId: |request| uuid(request, "invitationId").map(Self),
    MessageId: |request| uuid(request, "messageId").map(Self),
    WebhookId: |request| uuid(request, "webhookId").map(Self),
    DeliveryId: |request| Some(Self {
        webhook: uuid(request, "webhookId")?,
        delivery: uuid(request, "deliveryId")?,
    }),
    PathKeyId: |request| read_param(request, "keyId", KeyId::parse).map(Self),
}

/// The UUID that the path has as `name`.
fn uuid(request: &HttpRequest, name: &str) -> Option<Uuid> {
    read_param(request, name, id::parse_id)
}
