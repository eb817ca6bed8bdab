"""What an application does beside the clients: with nothing but Python, at $INVITED_URL with $INVITED_KEY."""

import json
import os
import urllib.request


def post(path, body):
    """POSTs to the API, and returns what it answers."""
    headers = {"Authorization": f"Bearer {os.environ['INVITED_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["INVITED_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def joined(organization, email, role):
    """Makes a member, and returns its id in the dialect."""
    invitations = f"/v1/organizations/{organization}/invitations"
    made = post(invitations, {"email": email, "role": role})
    return post(f"{invitations}/{made['id']}/accept", {"email": email})["id"]
