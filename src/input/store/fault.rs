//! What the library says of a failure, as a kind and a message without secrets.

use std::borrow::Cow;
use std::error::Error;

use object_store::Error as LibraryError;

use super::address::Address;
use super::client::hint;
use super::error::{Kind, StoreError};

/// So much of what a server says is repeated.
const MAX_MESSAGE_CHARACTERS: usize = 300;

/// The codes of S3 with which nothing in a store can be read, whatever the object.
const CREDENTIAL_CODES: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "AuthenticationFailed",
];

/// Ends of the names of variables whose values are secrets.
const SECRET_ENDS: [&str; 7] = ["KEY", "SECRET", "TOKEN", "PASSWORD", "SAS", "ACCESS_KEY_ID", "CREDENTIALS"];

/// Describes the failure of a request for `address`.
pub(super) fn describe(error: &LibraryError, address: &Address) -> StoreError {
    let text = error.to_string();
    let status = status(&text);
    let code = tag(&text, "Code");
    let is_of_credentials = code.is_some_and(|code| CREDENTIAL_CODES.contains(&code));
    let kind = match error {
        _ if is_of_credentials => Kind::Credentials,
        LibraryError::NotFound { .. } => Kind::Missing,
        LibraryError::Precondition { .. } => Kind::Changed,
        LibraryError::PermissionDenied { .. } => Kind::Denied,
        LibraryError::Unauthenticated { .. } => Kind::Credentials,
        // The library asks for credentials where the machine has some, and that was refused or is not there.
        LibraryError::Generic { .. } if matches!(status, Some(401 | 403)) || asks_machine(&text) => Kind::Credentials,
        LibraryError::Generic { .. } if is_of_certificate(error) => Kind::Untrusted,
        LibraryError::Generic { .. } if is_of_server(error, status) => Kind::Unavailable,
        _ => Kind::Unusable,
    };
    let answer = match (status, code) {
        (Some(status), Some(code)) => {
            let message = tag(&text, "Message").unwrap_or_default();
            format!("the server answers {status} ({code}: {message})")
        }
        (Some(status), None) => format!("the server answers {status}"),
        (None, _) => deepest(error),
    };
    let answer = shortened(&scrub(&answer));
    let message = match kind {
        Kind::Missing => format!("does not exist: {answer}"),
        Kind::Changed => "changed while it was read: its version is another one than at the beginning".to_owned(),
        Kind::Denied | Kind::Credentials => format!("cannot be read: {answer}; {}", hint(address.scheme())),
        Kind::Untrusted => {
            format!("cannot be read: {answer}; certificates are those of the system, or of the file in SSL_CERT_FILE")
        }
        _ => format!("cannot be read: {answer}"),
    };
    StoreError::new(kind, address.to_string(), message)
}

/// The servers that hand out credentials to the programs of a machine in a cloud.
const MACHINE_SERVERS: [&str; 4] = ["169.254.169.254", "169.254.170.2", "metadata.google.internal", "metadata/token"];

/// True for a failed request to the machine itself.
fn asks_machine(text: &str) -> bool {
    MACHINE_SERVERS.iter().any(|server| text.contains(server))
}

/// True if the certificate of the server was refused.
fn is_of_certificate(error: &LibraryError) -> bool {
    chain(error).any(|error| error.to_string().contains("invalid peer certificate"))
}

/// True if the server, or the way to it, fails, and not the request.
fn is_of_server(error: &LibraryError, status: Option<u16>) -> bool {
    match status {
        Some(status) => status >= 500 || status == 429 || status == 408,
        None => chain(error).any(<dyn Error>::is::<object_store::client::HttpError>),
    }
}

/// The status of the server's answer, if there was one.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The text of an element in the XML with which servers explain themselves.
fn tag<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside)
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The innermost cause.
fn deepest(error: &LibraryError) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

fn shortened(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A text without the queries and passwords of the addresses in it, and without the values of secret variables.
pub(super) fn scrub(text: &str) -> String {
    let secrets = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.to_str()?;
        let is_secret = ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|start| name.starts_with(start))
            && SECRET_ENDS.iter().any(|end| name.ends_with(end));
        if is_secret { value.into_string().ok().filter(|value| value.len() >= 6) } else { None }
    });
    let mut text = without_queries(text);
    for secret in secrets {
        text = text.replace(&secret, "…");
    }
    text
}

fn without_queries(text: &str) -> String {
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    for word in text.split_inclusive([' ', '"', '`', '(', ')', '<', '>', '\n', ',']) {
        words.push(match word.split_once("://") {
            None => Cow::Borrowed(word),
            Some((scheme, rest)) => {
                let end = rest.find([' ', '"', '`', '(', ')', '<', '>', '\n', ',']).unwrap_or(rest.len());
                let (url, after) = rest.split_at(end);
                let path = url.split('?').next().unwrap_or(url);
                let host = path.find('/').unwrap_or(path.len());
                let begin = path[..host].rfind('@').map_or(0, |at| at + 1);
                let mark = if path.len() < url.len() { "?…" } else { "" };
                Cow::Owned(format!("{scheme}://{}{mark}{after}", &path[begin..]))
            }
        });
    }
    words.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> LibraryError {
        LibraryError::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn a_failure_of_the_server_is_told_from_one_of_the_request() {
        let address = Address::parse("s3://news/a").unwrap();
        let kind_of = |text: &str| describe(&generic(text), &address);
        assert!(kind_of("Server returned non-2xx status code: 503 Service Unavailable: ").is_of_store());
        assert!(!kind_of("Server returned non-2xx status code: 400 Bad Request: ").is_of_store());
        let expired = kind_of(
            "Server returned non-2xx status code: 400 Bad Request: <Error><Code>ExpiredToken</Code><Message>It is old.</Message></Error>",
        );
        assert!(expired.is_of_store() && expired.is_of_configuration());
        assert!(expired.to_string().contains("400 (ExpiredToken: It is old.)"), "{expired}");
        assert!(expired.to_string().contains("AWS_ACCESS_KEY_ID"), "{expired}");
        let of_machine = kind_of("Error performing PUT http://169.254.169.254/latest/api/token - connection refused");
        assert!(of_machine.is_of_configuration() && of_machine.to_string().contains("AWS_SKIP_SIGNATURE"));
        let untrusted = kind_of("HTTP error: invalid peer certificate: UnknownIssuer");
        assert!(untrusted.is_of_configuration() && !untrusted.is_passing());
    }

    #[test]
    fn messages_have_no_queries_and_no_passwords() {
        let text =
            "error sending request for url (https://u:SECRET@a.example/x?sig=SECRET&se=1): GET \"http://b?c\", done";
        let expected = "error sending request for url (https://a.example/x?…): GET \"http://b?…\", done";
        assert_eq!(without_queries(text), expected);
    }
}
