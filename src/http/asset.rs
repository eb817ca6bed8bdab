//! Pages and documents that are the same for everybody: made once, compressed once, and sent
//! without a copy of their own.

use std::io::{Read, Write};

use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::stream;
use sha2::{Digest, Sha256};

use crate::base::hex::hex;

/// Bytes of a text that are worth compressing.
const LONG: usize = 1024;
/// Bytes of the hash that is a tag.
const TAG: usize = 8;

/// How long an asset may be kept under the URL with its version: a year, without asking again.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Marks an answer whose bytes are there in any case, however many peers get them.
pub(crate) struct Static;

/// A page or a document.
pub(crate) struct Asset {
    /// Its `Content-Type`.
    content_type: &'static str,
    /// As it is.
    plain: Form,
    /// With gzip.
    gzip: Form,
}

/// An asset as it is sent.
struct Form {
    /// Its bytes.
    bytes: Bytes,
    /// The hash of the bytes.
    tag: String,
}

impl Form {
    /// The form that has these bytes.
    fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let tag = hex(&Sha256::digest(&bytes)[..TAG]);
        Self { bytes, tag }
    }
}

impl Asset {
    /// The asset with this text.
    pub(crate) fn new(content_type: &'static str, text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        let compressed = compress(&text).unwrap_or_default();
        Self {
            content_type,
            plain: Form::new(text),
            gzip: Form::new(compressed),
        }
    }

    /// The asset whose text the program has with gzip already.
    pub(crate) fn packed(content_type: &'static str, gzip: &'static [u8]) -> Self {
        Self {
            content_type,
            plain: Form::new(unpack(gzip).unwrap_or_default()),
            gzip: Form::new(gzip),
        }
    }

    /// What tells this content from any other: `?v=` with it is the URL under which it can be kept.
    pub(crate) fn version(&self) -> &str {
        &self.plain.tag
    }

    /// Responds to `request` as [`Self::respond`]. Under the URL with its version the caller may keep
    /// it; another version or query gets it, too, but not to keep.
    pub(crate) fn respond_versioned(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if request.query_string().strip_prefix("v=") == Some(self.version()) {
            response.insert_header((header::CACHE_CONTROL, KEPT));
        }
        self.respond_with(request, response)
    }

    /// Responds to `request` with it: compressed where the caller takes that, and without a body
    /// where he has it.
    pub(crate) fn respond(&self, request: &HttpRequest) -> HttpResponse {
        self.respond_with(request, HttpResponse::Ok())
    }

    /// The same with the headers of `response`.
    pub(crate) fn respond_with(
        &self,
        request: &HttpRequest,
        mut response: HttpResponseBuilder,
    ) -> HttpResponse {
        let takes_gzip = takes_gzip(request) && !self.gzip.bytes.is_empty();
        let form = if takes_gzip { &self.gzip } else { &self.plain };
        let tag = EntityTag::new_strong(form.tag.clone());
        response.insert_header((header::VARY, "Accept-Encoding"));
        response.insert_header(ETag(tag.clone()));
        if knows(request, &tag) {
            return response
                .status(actix_web::http::StatusCode::NOT_MODIFIED)
                .finish();
        }
        if takes_gzip {
            response.insert_header(ContentEncoding::Gzip);
        }
        // A stream of known length gives the bytes as they are, where a body of them would be
        // copied first.
        let bytes = form.bytes.clone();
        let length = bytes.len() as u64;
        let part = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
        let mut response = response
            .content_type(self.content_type)
            .body(SizedStream::new(length, part));
        response.extensions_mut().insert(Static);
        response
    }
}

/// `text` with gzip, as well as it goes: it is compressed once.
fn compress(text: &[u8]) -> std::io::Result<Vec<u8>> {
    write_gzip(text, Compression::best())
}

/// `text` with gzip, as `level` says.
fn write_gzip(text: &[u8], level: Compression) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), level);
    encoder.write_all(text)?;
    encoder.finish()
}

/// The response that is `text`, which was made for this request: with gzip where the caller would
/// rather have that, and it is worth it. The caller of this says in `Vary` by what it differs.
pub(crate) fn send_once(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    text: String,
) -> HttpResponse {
    if text.len() > LONG
        && takes_gzip(request)
        && let Ok(compressed) = write_gzip(text.as_bytes(), Compression::default())
    {
        response.insert_header(ContentEncoding::Gzip);
        return response.body(compressed);
    }
    response.body(text)
}

/// What `gzip` holds.
fn unpack(gzip: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether the caller would rather have gzip than the plain bytes.
fn takes_gzip(request: &HttpRequest) -> bool {
    let forms = [Encoding::gzip(), Encoding::identity()];
    request.headers().contains_key(header::ACCEPT_ENCODING)
        && AcceptEncoding::parse(request)
            .is_ok_and(|accepted| accepted.negotiate(forms.iter()) == Some(Encoding::gzip()))
}

/// Whether the caller has the version with this tag. What is no list of tags is no condition here:
/// nothing changes by a page.
fn knows(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
