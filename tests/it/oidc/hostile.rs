//! A provider that says what a test wants, with keys of its own.
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use slurmdash::auth::oidc::{Answer, Identity, Oidc, OidcError};
use slurmdash::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::sent;

/// What it says at one of its addresses.
#[derive(Clone)]
pub enum Says {
    /// 200 and this.
    Json(Value),
    /// This status, content type and body.
    Raw(u16, &'static str, String),
    /// A redirect.
    Redirect(String),
    /// A body without an end.
    Endless,
    /// Nothing, for ever.
    Nothing,
}

/// A key that signs.
pub struct Key {
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    pub kid: &'static str,
}

impl Key {
    /// A fresh one, for ECDSA.
    pub fn fresh(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { algorithm: Algorithm::ES256, private, kid }
    }

    /// A fresh one, for RSA.
    pub fn fresh_rsa(kid: &'static str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        // PKCS#1 is wanted: what PKCS#8 has after 26 bytes that say that it is an RSA key of this size.
        let private = EncodingKey::from_rsa_der(&pair.as_der().unwrap().as_ref()[26..]);
        Self { algorithm: Algorithm::RS256, private, kid }
    }

    /// Its public half.
    pub fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.into());
        serde_json::to_value(jwk).unwrap()
    }

    /// A signed token.
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.into()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

#[derive(Default)]
struct Inside {
    says: HashMap<&'static str, Says>,
    asked: HashMap<String, Vec<(HeaderMap, Bytes)>>,
}

/// The provider.
pub struct Hostile {
    pub issuer: String,
    /// The key that its key set has at first.
    pub key: Key,
    inside: Arc<Mutex<Inside>>,
    server: JoinHandle<()>,
}

impl Hostile {
    /// Starts one that says what is right, with no sign-in under way.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new().fallback(answer).with_state(inside.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let hostile = Self { issuer, key: Key::fresh("ours"), inside, server };
        hostile.says("/.well-known/openid-configuration", Says::Json(hostile.metadata()));
        hostile.says("/jwks", Says::Json(json!({"keys": [hostile.key.public()]})));
        hostile
    }

    /// What it says of itself.
    pub fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "userinfo_endpoint": at("/userinfo"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
        })
    }

    /// From now on it says this there.
    pub fn says(&self, path: &'static str, says: Says) {
        self.inside.lock().unwrap().says.insert(path, says);
    }

    /// What it was asked there: headers and bodies.
    pub fn asked(&self, path: &str) -> Vec<(HeaderMap, Bytes)> {
        self.inside.lock().unwrap().asked.get(path).cloned().unwrap_or_default()
    }

    /// The answer of its token endpoint with this ID token.
    pub fn tokens(id_token: &str) -> Says {
        Says::Json(json!({"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}))
    }

    /// Claims that are right.
    pub fn claims(&self, nonce: &str, clock: &Clock) -> Value {
        json!({
            "iss": self.issuer, "sub": "42", "aud": "slurmdash", "nonce": nonce,
            "iat": clock.now(), "exp": clock.now() + 60, "preferred_username": "ada",
        })
    }

    /// A sign-in in which it hands out what `token` makes of the right claims.
    pub async fn sign_in_with(
        &self,
        oidc: &Oidc,
        clock: &Clock,
        token: impl FnOnce(Value) -> String,
    ) -> Result<Identity, OidcError> {
        let begun = oidc.start(None).await.unwrap();
        let id_token = token(self.claims(&sent(&begun, "nonce"), clock));
        self.says("/token", Self::tokens(&id_token));
        self.come_back(oidc, begun).await
    }

    /// A sign-in in which it hands out other claims than the right ones.
    pub async fn sign_in(
        &self,
        oidc: &Oidc,
        clock: &Clock,
        change: impl FnOnce(&mut Value),
    ) -> Result<Identity, OidcError> {
        let signed = |mut claims: Value| {
            change(&mut claims);
            self.key.sign(&claims)
        };
        self.sign_in_with(oidc, clock, signed).await
    }

    /// The browser comes back with a code.
    pub async fn come_back(&self, oidc: &Oidc, begun: slurmdash::auth::oidc::Begun) -> Result<Identity, OidcError> {
        let back = Answer { state: Some(sent(&begun, "state")), code: Some("code".into()), ..Answer::default() };
        oidc.finish(begun.ticket.expose(), back).await
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let says = {
        let mut inside = inside.lock().unwrap();
        inside.asked.entry(uri.path().to_owned()).or_default().push((headers, body));
        inside.says.get(uri.path()).cloned()
    };
    match says {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Says::Json(value)) => axum::Json(value).into_response(),
        Some(Says::Raw(status, kind, body)) => {
            (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Some(Says::Redirect(place)) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Some(Says::Endless) => {
            let blanks = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 8 << 10])));
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(blanks)).into_response()
        }
        Some(Says::Nothing) => std::future::pending().await,
    }
}
