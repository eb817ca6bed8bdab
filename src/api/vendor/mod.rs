//! Files that others made, as they were published, compressed. `vendor.json` says where each comes
//! from, and `.ci/vendored.py` compares them with their packages.

use std::sync::LazyLock;

use crate::http::asset::Asset;

/// The script of Swagger UI: it shows an OpenAPI document.
pub(crate) static SWAGGER_UI_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::packed(
        "text/javascript; charset=utf-8",
        include_bytes!("swagger-ui-bundle.js.gz"),
    )
});
/// The style of Swagger UI.
pub(crate) static SWAGGER_UI_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::packed(
        "text/css; charset=utf-8",
        include_bytes!("swagger-ui.css.gz"),
    )
});
/// htmx: it puts what changed into a page.
pub(crate) static HTMX: LazyLock<Asset> = LazyLock::new(|| {
    Asset::packed(
        "text/javascript; charset=utf-8",
        include_bytes!("htmx.min.js.gz"),
    )
});
