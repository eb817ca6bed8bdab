//! The templates of the pages, by the names that they call each other by.

/// Every template.
pub(super) const ALL: &[(&str, &str)] = &[
    ("admin.html", include_str!("assets/templates/admin.html")),
    ("again.html", include_str!("assets/templates/again.html")),
    ("bare.html", include_str!("assets/templates/bare.html")),
    ("desk.html", include_str!("assets/templates/desk.html")),
    (
        "desk_events.html",
        include_str!("assets/templates/desk_events.html"),
    ),
    (
        "desk_inbox.html",
        include_str!("assets/templates/desk_inbox.html"),
    ),
    (
        "desk_mail.html",
        include_str!("assets/templates/desk_mail.html"),
    ),
    (
        "desk_requests.html",
        include_str!("assets/templates/desk_requests.html"),
    ),
    (
        "desk_state.html",
        include_str!("assets/templates/desk_state.html"),
    ),
    ("fields.html", include_str!("assets/templates/fields.html")),
    ("health.html", include_str!("assets/templates/health.html")),
    (
        "history.html",
        include_str!("assets/templates/history.html"),
    ),
    (
        "invitation.html",
        include_str!("assets/templates/invitation.html"),
    ),
    (
        "invitation_change.html",
        include_str!("assets/templates/invitation_change.html"),
    ),
    (
        "invitation_delete.html",
        include_str!("assets/templates/invitation_delete.html"),
    ),
    (
        "invitation_mail.html",
        include_str!("assets/templates/invitation_mail.html"),
    ),
    (
        "invitation_revoke.html",
        include_str!("assets/templates/invitation_revoke.html"),
    ),
    ("key.html", include_str!("assets/templates/key.html")),
    (
        "key_made.html",
        include_str!("assets/templates/key_made.html"),
    ),
    (
        "key_new.html",
        include_str!("assets/templates/key_new.html"),
    ),
    (
        "key_revoke.html",
        include_str!("assets/templates/key_revoke.html"),
    ),
    ("keys.html", include_str!("assets/templates/keys.html")),
    ("layout.html", include_str!("assets/templates/layout.html")),
    ("mail.html", include_str!("assets/templates/mail.html")),
    (
        "organization.html",
        include_str!("assets/templates/organization.html"),
    ),
    (
        "organization_chosen.html",
        include_str!("assets/templates/organization_chosen.html"),
    ),
    (
        "organization_delete.html",
        include_str!("assets/templates/organization_delete.html"),
    ),
    (
        "organization_import.html",
        include_str!("assets/templates/organization_import.html"),
    ),
    (
        "organization_import_check.html",
        include_str!("assets/templates/organization_import_check.html"),
    ),
    (
        "organization_invite.html",
        include_str!("assets/templates/organization_invite.html"),
    ),
    (
        "organization_result.html",
        include_str!("assets/templates/organization_result.html"),
    ),
    (
        "organization_settings.html",
        include_str!("assets/templates/organization_settings.html"),
    ),
    (
        "organizations.html",
        include_str!("assets/templates/organizations.html"),
    ),
    ("parts.html", include_str!("assets/templates/parts.html")),
    (
        "sign_in.html",
        include_str!("assets/templates/sign_in.html"),
    ),
    (
        "trouble.html",
        include_str!("assets/templates/trouble.html"),
    ),
    (
        "webhook.html",
        include_str!("assets/templates/webhook.html"),
    ),
    (
        "webhook_delete.html",
        include_str!("assets/templates/webhook_delete.html"),
    ),
    (
        "webhook_delivery.html",
        include_str!("assets/templates/webhook_delivery.html"),
    ),
    (
        "webhook_form.html",
        include_str!("assets/templates/webhook_form.html"),
    ),
    (
        "webhook_rotate.html",
        include_str!("assets/templates/webhook_rotate.html"),
    ),
    (
        "webhook_secret.html",
        include_str!("assets/templates/webhook_secret.html"),
    ),
    (
        "webhooks.html",
        include_str!("assets/templates/webhooks.html"),
    ),
];
