"""mcp-clickhouse-cloud: its tools as an agent calls them. It drops the path of its base URL, so it has the port of the dialect."""

import asyncio
import json
import os

os.environ.update(
    CLICKHOUSE_CLOUD_API_URL=os.environ["INVITED_ROOT"],
    CLICKHOUSE_CLOUD_KEY_ID=os.environ["KEY_ID"],
    CLICKHOUSE_CLOUD_KEY_SECRET=os.environ["KEY_SECRET"],
)

from mcp_clickhouse_cloud.mcp_server import mcp  # noqa: E402: it reads the environment

from world import joined  # noqa: E402


def call(tool, **arguments):
    """Calls a tool, which must work, and returns its data."""
    content = asyncio.run(mcp.call_tool(f"cloud_{tool}", arguments))
    first = content[0] if isinstance(content, tuple) else content
    answer = json.loads(first[0].text)
    assert answer["status"] == "success", (tool, answer)
    return answer["data"]


user = joined("mcp", "member@example.com", "viewer")
own = next(one["id"] for one in call("list_organizations") if one["name"] == "mcp")
for organization in (own, "mcp"):
    assert call("get_organization", organization_id=organization)["id"] == own
made = call("create_invitation", organization_id=own, email="New@Example.com", role="developer")
assert made["email"] == "new@example.com", made
assert call("list_invitations", organization_id=own) == [made]
call("delete_invitation", organization_id=own, invitation_id=made["id"])
assert [one["userId"] for one in call("list_members", organization_id=own)] == [user]
assert call("update_member_role", organization_id=own, user_id=user, role="admin")["role"] == "admin"
call("remove_member", organization_id=own, user_id=user)
assert call("list_members", organization_id=own) == []
assert call("update_organization", organization_id=own, name="The MCP server")["name"] == "The MCP server"
