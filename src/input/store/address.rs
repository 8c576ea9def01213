//! Addresses of objects and of folders of them: `s3://bucket/archive/2031/03.jsonl`, `https://host/file.jsonl.gz`.

use std::fmt::{Debug, Display, Formatter};

use super::StoreError;

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    /// Amazon S3, and other stores that speak its language.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Az,
    /// A web server.
    Https,
    /// A web server without encryption.
    Http,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::S3, Self::Gs, Self::Az, Self::Https, Self::Http];

    fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// True for a web server, which has files and no list of them.
    pub(super) fn is_web(self) -> bool {
        matches!(self, Self::Https | Self::Http)
    }
}

/// The address of an object, or of a folder of objects: its key ends with `/` then, or is empty.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: Scheme,
    /// The bucket or the container; of a web server its name and port.
    bucket: String,
    /// The name in the bucket, as it is. Of a web server the path as it was written, percent-encoded.
    key: String,
    /// The query of a web address, with its question mark. It may be a secret, and is shown nowhere.
    query: String,
}

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// A scheme that is not known, no bucket, or a web address that is none or has a password.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let (word, rest) = text.split_once("://").unwrap_or((text, ""));
        let Some(scheme) = Scheme::ALL.into_iter().find(|scheme| scheme.as_str() == word) else {
            let url = format!("{word}://…");
            return Err(StoreError::address(url, "has an unknown scheme: s3, gs, az, https and http are known"));
        };
        if scheme.is_web() {
            return Self::parse_web(text, scheme);
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains('@') {
            let url = format!("{word}://…");
            return Err(StoreError::address(url, "names no bucket: write `BUCKET/NAME` behind the scheme"));
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), key: key.to_owned(), query: String::new() })
    }

    fn parse_web(text: &str, scheme: Scheme) -> Result<Self, StoreError> {
        let shown = format!("{}://…", scheme.as_str());
        let Ok(url) = url::Url::parse(text) else {
            return Err(StoreError::address(shown, "is no web address"));
        };
        let Some(host) = url.host_str() else {
            return Err(StoreError::address(shown, "names no server"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            let shown = format!("{}://…@{host}", scheme.as_str());
            return Err(StoreError::address(shown, "has a user's name or a password in it, which are not supported"));
        }
        let bucket = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self { scheme, bucket, key: url.path().trim_start_matches('/').to_owned(), query })
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The whole address, with its query.
    pub(super) fn with_query(&self) -> String {
        format!("{self}{}", self.query)
    }

    /// True if both are shown alike and are not the same.
    pub(crate) fn differs_in_query(&self, other: &Self) -> bool {
        self.query != other.query
    }

    /// The same bucket with another key.
    pub(super) fn with_key(&self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self.clone() }
    }

    /// True if it can only be a folder.
    pub(super) fn is_folder(&self) -> bool {
        !self.scheme.is_web() && (self.key.is_empty() || self.key.ends_with('/'))
    }

    /// The same as a folder.
    pub(super) fn as_folder(&self) -> Self {
        if self.is_folder() { self.clone() } else { self.with_key(format!("{}/", self.key)) }
    }

    /// True if the key may be a pattern.
    pub(crate) fn is_pattern(&self) -> bool {
        !self.scheme.is_web() && self.key.contains(['*', '?', '['])
    }
}

/// Without the query of a web address.
impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.as_str(), self.bucket, self.key)
    }
}

impl Debug for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_bucket_and_a_key_as_it_is() {
        let address = Address::parse("s3://news/archive/a b%20?.jsonl").unwrap();
        assert_eq!((address.bucket(), address.key()), ("news", "archive/a b%20?.jsonl"));
        assert_eq!(address.to_string(), "s3://news/archive/a b%20?.jsonl");
        for folder in ["s3://news", "gs://news/", "az://news/a/"] {
            assert!(Address::parse(folder).unwrap().is_folder(), "{folder}");
        }
        assert_eq!(Address::parse("gs://news").unwrap().to_string(), "gs://news/");
    }

    #[test]
    fn a_query_is_used_and_never_shown() {
        let address = Address::parse("https://a.example:8443/x/y.jsonl.gz?sig=SECRET&se=1#part").unwrap();
        assert_eq!(address.to_string(), "https://a.example:8443/x/y.jsonl.gz");
        assert_eq!(address.with_query(), "https://a.example:8443/x/y.jsonl.gz?sig=SECRET&se=1");
        assert!(!format!("{address:?}").contains("SECRET") && !address.is_folder() && !address.is_pattern());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_its_secrets() {
        for text in
            ["ftp://u:SECRET@host/a", "https://u:SECRET@host/a", "s3://u:SECRET@bucket/a", "s3:///a", "https://"]
        {
            let error = Address::parse(text).unwrap_err();
            assert!(error.is_of_configuration() && !error.to_string().contains("SECRET"), "{error}");
        }
    }
}
