//! The API keeps to its document: every answer of every test in this folder is held against the OpenAPI document. An operation, status or
//! code that the document does not tell, or a body that is not what it tells, is a failure.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parlor::server::document;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

/// The server's document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(document()).unwrap());

/// What was answered against the document.
#[derive(Clone, Default)]
pub struct Breaches(Arc<Mutex<Vec<String>>>);

impl Breaches {
    /// Fails the test if there was any.
    pub fn assert_none(&self) {
        let breaches = self.0.lock().unwrap();
        assert!(breaches.is_empty(), "against the document: {}", breaches.join("\n"));
    }
}

/// A layer under which every answer is looked at on its way out.
pub async fn hold_to_document(State(breaches): State<Breaches>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = template(request.uri().path());
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    match check(&method, route.as_deref(), parts.status, &kind, &body) {
        Ok(()) => Response::from_parts(parts, Body::from(body)),
        Err(why) => {
            let what = format!("{method} {} answers {}: {why}", route.as_deref().unwrap_or("(no route)"), parts.status);
            eprintln!("{what}\n{}", String::from_utf8_lossy(&body));
            breaches.0.lock().unwrap().push(what.clone());
            // Whoever asked does not get what was not promised.
            (StatusCode::INTERNAL_SERVER_ERROR, what).into_response()
        }
    }
}

/// The path of the document that an address fits; what is spelled out goes before what is left open.
fn template(address: &str) -> Option<String> {
    let given: Vec<&str> = address.split('/').collect();
    let fits = |path: &&String| {
        let parts: Vec<&str> = path.split('/').collect();
        parts.len() == given.len() && parts.iter().zip(&given).all(|(p, g)| p == g || (p.starts_with('{') && !g.is_empty()))
    };
    DOCUMENT["paths"].as_object().unwrap().keys().filter(fits).min_by_key(|path| path.matches('{').count()).cloned()
}

fn check(method: &Method, route: Option<&str>, status: StatusCode, kind: &str, body: &[u8]) -> Result<(), String> {
    let operation = route.and_then(|route| DOCUMENT["paths"][route].get(method.as_str().to_ascii_lowercase()));
    let Some(operation) = operation else {
        // Nothing is there, and that is what has to be said.
        let problem: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        let honest = status == 404 && problem["code"] == "not_found";
        return if honest { valid(&reference("Problem"), &problem) } else { Err("the operation is not in the document".into()) };
    };
    let response = &operation["responses"][status.as_str()];
    if response.is_null() {
        return Err("the status is not in the document".into());
    }
    let plain = kind.split(';').next().unwrap_or_default();
    let content = response["content"].get(plain).ok_or_else(|| format!("{kind:?} is not in the document"))?;
    if plain != "application/json" {
        return std::str::from_utf8(body).map(drop).map_err(|e| e.to_string());
    }
    let body: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    if !status.is_success() {
        let code = body["code"].as_str().unwrap_or_default();
        if content["examples"].get(code).is_none() {
            return Err(format!("the code {code:?} is not in the document"));
        }
    }
    valid(&content["schema"], &body)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Whether `value` is what `schema` says, and nothing beside it.
fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    let mut root = json!({ "components": DOCUMENT["components"], "allOf": [schema] });
    if schema.get("$ref").is_some() {
        root["unevaluatedProperties"] = json!(false);
    }
    let validator = jsonschema::draft202012::new(&root).map_err(|e| format!("the schema is none: {e}"))?;
    let wrong: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Every operation: method, path, and what the document says of it.
pub fn operations() -> Vec<(Method, String, Value)> {
    let methods = ["get", "put", "post", "delete", "patch", "head", "options"];
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| methods.contains(&key.as_str())) {
            found.push((method.to_uppercase().parse().unwrap(), path.clone(), operation.clone()));
        }
    }
    found
}

mod tests {
    use super::*;
    use crate::world::World;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_operation_of_the_document_is_routed_and_guarded_as_it_says() {
        let world = World::new().await;
        let http = reqwest::Client::new();
        for (method, path, operation) in operations() {
            let address =
                path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
            let response = http.request(method.clone(), world.url(&address)).send().await.unwrap();
            let status = response.status();
            let text = response.text().await.unwrap();
            assert!(!text.starts_with("{\"code\":\"not_found\""), "{method} {path} is not routed");
            match operation.get("security") {
                Some(_) => assert_eq!(status, 401, "{method} {path} is open"),
                None => assert_ne!(status, 401, "{method} {path} is closed"),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_document_is_served() {
        let world = World::new().await;
        let served: Value = reqwest::get(world.url("/v1/openapi.json")).await.unwrap().json().await.unwrap();
        assert_eq!(served, *DOCUMENT);
        assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    }

    /// Whoever writes another client finds every request on the protocol's page.
    #[test]
    fn the_page_about_the_protocol_names_every_request() {
        let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md")).unwrap();
        let paths = DOCUMENT["paths"].as_object().unwrap().keys().filter(|path| !path.starts_with("/admin"));
        let missing: Vec<_> = paths.filter(|path| !page.contains(path.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// Routes come into the router through the document only.
    #[test]
    fn no_route_goes_past_the_document() {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server")];
        let mut read = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for past in [".route(", ".route_service(", ".nest_service(", ".nest("] {
                    assert!(!text.contains(past), "{} adds a route with {past}..)", path.display());
                }
                read += 1;
            }
        }
        assert!(read > 10);
    }

    #[test]
    fn every_operation_says_what_it_is_and_every_example_is_valid() {
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}: its id is taken");
            assert!(operation["summary"].as_str().is_some_and(|s| s.len() > 5), "{what} has no summary");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{what}");
            let named: Vec<&str> = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
            let none = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&none);
            let told = parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap());
            assert_eq!(told.collect::<BTreeSet<_>>(), named.into_iter().collect(), "{what}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/json"]["schema"];
                let examples = response["content"]["application/json"]["examples"].as_object();
                for example in examples.into_iter().flatten() {
                    valid(schema, &example.1["value"]).unwrap_or_else(|e| panic!("{what} {status} {}: {e}", example.0));
                }
                let promised = status.starts_with('2') || !response["content"]["application/json"]["examples"].is_null();
                assert!(promised || status == "503", "{what}: {status} has no code");
            }
        }
        for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
            if let Some(example) = schema.get("example") {
                valid(&reference(name), example).unwrap_or_else(|e| panic!("the example of {name}: {e}"));
            }
        }
    }

    #[test]
    fn what_is_against_the_document_is_noticed() {
        let good = json!({ "now_us": 1 }).to_string();
        let time = |status: u16, kind: &str, body: &str| {
            check(&Method::GET, Some("/v1/time"), StatusCode::from_u16(status).unwrap(), kind, body.as_bytes())
        };
        time(200, "application/json", &good).unwrap();
        for (status, kind, body) in [
            (201, "application/json", good.as_str()),
            (200, "text/plain", good.as_str()),
            (200, "application/json", "{}"),
            (200, "application/json", "{\"now_us\":\"1\"}"),
            (200, "application/json", "{\"now_us\":1,\"more\":1}"),
            (429, "application/json", "{\"code\":\"room_full\",\"message\":\"x\"}"),
            (429, "application/json", "{\"code\":\"rate_limited\"}"),
            (404, "application/json", "{\"code\":\"not_found\",\"message\":\"x\"}"),
        ] {
            assert!(time(status, kind, body).is_err(), "{status} {kind} {body}");
        }
        assert!(check(&Method::PUT, Some("/v1/time"), StatusCode::OK, "application/json", good.as_bytes()).is_err());
    }

    #[test]
    fn references_lead_somewhere() {
        let text = DOCUMENT.to_string();
        let names: BTreeMap<&str, ()> =
            text.split("\"#/components/schemas/").skip(1).map(|s| (s.split('"').next().unwrap(), ())).collect();
        for name in names.keys() {
            assert!(!DOCUMENT["components"]["schemas"][name].is_null(), "there is no schema {name}");
        }
        assert!(names.len() > 10);
    }
}
