//! An application whose members come by invitation: sign up, invite, join, and hear of it.
use std::{collections::BTreeMap, env::var, sync::Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, body::Bytes, response::Html, routing::get, routing::post};
use serde_json::{Value, json};
use standardwebhooks::{Webhook, WebhookError};
use uuid::Uuid;

type Answer = Result<Json<Value>, (StatusCode, String)>;
// An application has a database. Here: owners by their session, members by their invitation.
static OWNERS: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
static MEMBERS: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

async fn ask_invited(path: &str, body: Value) -> Answer {
    let failed = |error: reqwest::Error| (StatusCode::BAD_GATEWAY, error.to_string());
    let url = format!("{}/v1/{path}", var("INVITED_URL").unwrap());
    let request = reqwest::Client::new().post(url).bearer_auth(var("INVITED_KEY").unwrap());
    let response = request.json(&body).send().await.map_err(failed)?;
    match response.status() {
        status if status.is_success() => Ok(Json(response.json().await.map_err(failed)?)),
        status => Err((status, response.text().await.map_err(failed)?)),
    }
}

fn owner_of(headers: &HeaderMap) -> Result<Value, (StatusCode, String)> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let session = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")).unwrap_or_default();
    let owner = OWNERS.lock().unwrap().get(session).cloned();
    owner.ok_or((StatusCode::UNAUTHORIZED, "Sign in first.".to_owned()))
}

async fn sign_up(Json(body): Json<Value>) -> Answer {
    let (session, organization) = (Uuid::new_v4().to_string(), Uuid::new_v4());
    let owner = json!({"organizationId": organization, "name": body["name"]});
    OWNERS.lock().unwrap().insert(session.clone(), owner);
    Ok(Json(json!({ "session": session })))
}

async fn invite(headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    let owner = owner_of(&headers)?;
    let path = format!("organizations/{}/invitations", owner["organizationId"].as_str().unwrap());
    let new = json!({"email": body["email"], "role": "member", "inviter": {"name": owner["name"]}});
    let Json(invitation) = ask_invited(&path, new).await?;
    MEMBERS.lock().unwrap().insert(invitation["id"].to_string(), invitation.clone());
    Ok(Json(invitation))
}

async fn join(Json(body): Json<Value>) -> Answer {
    ask_invited("invitations/accept", json!({"token": body["token"]})).await
}

async fn hear(headers: HeaderMap, body: Bytes) -> Answer {
    let refused = |error: WebhookError| (StatusCode::UNAUTHORIZED, error.to_string());
    let webhook = Webhook::new(&var("WEBHOOK_SECRET").unwrap()).map_err(refused)?;
    webhook.verify(&body, &headers).map_err(refused)?;
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some("invitation.accepted") = told["type"].as_str() else { return Ok(Json(Value::Null)) };
    let id = told["data"]["invitationId"].to_string();
    MEMBERS.lock().unwrap().entry(id).and_modify(|member| member["status"] = "accepted".into());
    Ok(Json(Value::Null))
}

async fn list_members(headers: HeaderMap) -> Answer {
    let owner = owner_of(&headers)?;
    let own = |member: &&Value| member["organizationId"] == owner["organizationId"];
    Ok(Json(MEMBERS.lock().unwrap().values().filter(own).cloned().collect()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let router = Router::new()
        .route("/signup", post(sign_up))
        .route("/invitations", post(invite))
        .route("/join", get(Html(include_str!("../../public/join.html"))).post(join))
        .route("/webhooks", post(hear))
        .route("/members", get(list_members));
    let place = format!("127.0.0.1:{}", var("PORT").as_deref().unwrap_or("3000"));
    axum::serve(tokio::net::TcpListener::bind(place).await?, router).await
}
