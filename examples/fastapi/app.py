"""An application whose members come by invitation: sign up, invite, join, and hear of it."""

import os
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import FileResponse
from httpx import AsyncClient
from standardwebhooks import Webhook, WebhookVerificationError

url, key, secret = (os.environ[name] for name in ("INVITED_URL", "INVITED_KEY", "WEBHOOK_SECRET"))
invited = AsyncClient(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key}"})
app, webhook = FastAPI(), Webhook(secret)
# An application has a database. Here: owners by their session, members by their invitation.
owners: dict[str, dict[str, str]] = {}
members: dict[str, dict[str, Any]] = {}


async def ask_invited(path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await invited.post(path, json=body)
    answer: dict[str, Any] = response.json()
    if response.is_error:
        raise HTTPException(response.status_code, answer["detail"])
    return answer


def owner_of(authorization: Annotated[str, Header()]) -> dict[str, str]:
    if owner := owners.get(authorization.removeprefix("Bearer ")):
        return owner
    raise HTTPException(401, "Sign in first.")


Owner = Annotated[dict[str, str], Depends(owner_of)]
Text = Annotated[str, Body(embed=True)]


@app.post("/signup")
def sign_up(name: Text) -> dict[str, str]:
    session = str(uuid4())
    owners[session] = {"organizationId": str(uuid4()), "name": name}
    return {"session": session}


@app.post("/invitations")
async def invite(email: Text, owner: Owner) -> dict[str, Any]:
    new = {"email": email, "role": "member", "inviter": {"name": owner["name"]}}
    invitation = await ask_invited(f"/organizations/{owner['organizationId']}/invitations", new)
    members[invitation["id"]] = invitation
    return invitation


@app.get("/join")
def page() -> FileResponse:
    return FileResponse("../public/join.html")


@app.post("/join")
async def join(token: Text) -> dict[str, Any]:
    return await ask_invited("/invitations/accept", {"token": token})


@app.post("/webhooks")
async def hear(request: Request) -> None:
    try:
        told = webhook.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError as error:
        raise HTTPException(401, str(error)) from error
    # Of other types, as webhook.test, there is nothing to do.
    if told["type"] == "invitation.accepted":
        if member := members.get(told["data"]["invitationId"]):
            member["status"] = "accepted"


@app.get("/members")
def list_members(owner: Owner) -> list[dict[str, Any]]:
    organization = owner["organizationId"]
    return [member for member in members.values() if member["organizationId"] == organization]
