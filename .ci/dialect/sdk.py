"""ch-apimatic-sdk: a client with strict types, made by a generator of the vendor's OpenAPI document. It takes UUIDs only."""

import os
from uuid import UUID

from open_api_spec_for_click_house_cloud import OpenApiSpecForClickHouseCloudClient as Client

from world import joined

user = UUID(joined("sdk", "member@example.com", "viewer"))
for base_url in (os.environ["INVITED_URL"] + "/clickhouse", os.environ["INVITED_ROOT"]):
    auth = {"username": os.environ["KEY_ID"], "password": os.environ["KEY_SECRET"]}
    client = Client(base_url=base_url, basic_auth=auth)
    organizations = client.organization_api.organization_get_list().result
    own = next(one for one in organizations if one.name in ("sdk", "The SDK"))
    assert client.organization_api.organization_get(own.id).result == own
    renamed = client.organization_api.organization_update(own.id, body={"name": "The SDK"})
    assert renamed.result.name == "The SDK", renamed

    roles = client.role_management.organization_roles_get_list(own.id).result
    viewer = next(role for role in roles if role.name == "viewer")
    assert client.role_management.organization_role_get(own.id, UUID(viewer.id)).result == viewer

    users = client.user_management
    made = users.invitation_create(own.id, body={"email": "New@Example.com", "assigned_role_ids": [viewer.id]}).result
    assert (made.email, made.assigned_roles[0].role_name) == ("new@example.com", "viewer"), made
    assert users.invitation_get(own.id, made.id).result == made
    assert made in users.invitation_get_list(own.id).result
    assert users.invitation_delete(own.id, made.id).status == 200

    member = users.member_get(own.id, user).result
    assert member in users.member_get_list(own.id).result
    admin = users.member_update(own.id, user, body={"role": "admin"}).result
    assert admin.assigned_roles[0].role_name == "Admin", admin
    assert users.member_delete(own.id, user).status == 200
    assert users.member_get_list(own.id).result == []
    user = UUID(joined("sdk", "member@example.com", "viewer"))
