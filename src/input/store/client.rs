//! Connections to stores, and the runtime that they need: the only asynchronous code of the program. The rest of it waits here.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{ClientOptions, HttpClient, HttpConnector, ReqwestConnector};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::list::PaginatedListStore;
use object_store::path::Path as Key;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};
use tokio::runtime::Runtime;

use super::address::{Address, Scheme};
use super::error::{Kind, StoreError};
use super::fault::{describe, scrub};
use crate::pipeline::Interrupt;

/// A request that waits looks whether the run has to stop every so often.
const POLL: Duration = Duration::from_millis(100);

/// A server that is connected has to send something within this time.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection has to stand within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The library sends a request again so often, at once and without a word. After that it is done here, with a message.
const MAX_QUICK_RETRIES: usize = 3;

/// The first pause before a request is sent again. Pauses grow.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause before a request is sent again.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The stores of an input. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Stores {
    /// By scheme and bucket.
    known: Arc<Mutex<HashMap<(Scheme, String), Client>>>,
    /// The time for which a request that fails is sent again.
    retry_time: Duration,
}

/// The connection to one bucket or one web address.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The same for lists page by page, if it has some.
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
    /// The time for which a request that fails is sent again.
    pub(super) retry_time: Duration,
}

impl Stores {
    /// Stores that get requests again for so long if they fail, in seconds.
    pub(crate) fn new(retry_seconds: u64) -> Self {
        Self { known: Arc::default(), retry_time: Duration::from_secs(retry_seconds) }
    }

    /// A bucket of S3 that is `store`.
    #[cfg(test)]
    pub(super) fn with_bucket(bucket: &str, store: Arc<dyn ObjectStore>) -> Self {
        let stores = Self::new(1);
        let client = Client { store, pages: None, retry_time: stores.retry_time };
        let known = HashMap::from([((Scheme::S3, bucket.to_owned()), client)]);
        Self { known: Arc::new(Mutex::new(known)), ..stores }
    }

    /// The connection to the store of an address. Nothing is sent yet.
    pub(super) fn client(&self, address: &Address) -> Result<Client, StoreError> {
        if address.scheme().is_web() {
            return self.connect(address);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (address.scheme(), address.bucket().to_owned());
        if let Some(client) = known.get(&name) {
            return Ok(client.clone());
        }
        let client = self.connect(address)?;
        known.insert(name, client.clone());
        Ok(client)
    }

    fn connect(&self, address: &Address) -> Result<Client, StoreError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = address.bucket();
        let retry = retry(self.retry_time);
        let store: Result<Connected, object_store::Error> = match address.scheme() {
            Scheme::S3 => {
                let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
                for (key, value) in limits() {
                    builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
                }
                builder.build().map(with_pages)
            }
            Scheme::Gs => {
                let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry);
                for (key, value) in limits() {
                    builder = builder.with_config(GoogleConfigKey::Client(key), value);
                }
                builder.build().map(with_pages)
            }
            Scheme::Az => {
                let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_retry(retry);
                for (key, value) in limits() {
                    builder = builder.with_config(AzureConfigKey::Client(key), value);
                }
                builder.build().map(with_pages)
            }
            Scheme::Https | Scheme::Http => {
                let mut options = ClientOptions::new().with_allow_http(address.scheme() == Scheme::Http);
                for (key, value) in limits() {
                    options = options.with_config(key, value);
                }
                let builder = HttpBuilder::new().with_url(address.with_query()).with_retry(retry);
                let builder =
                    builder.with_client_options(options).with_http_connector(SharedConnector(address.scheme()));
                builder.build().map(|store| (Arc::new(store) as _, None))
            }
        };
        match store {
            Ok((store, pages)) => Ok(Client { store, pages, retry_time: self.retry_time }),
            Err(error) => {
                let message = format!("cannot be used: {}; {}", scrub(&error.to_string()), hint(address.scheme()));
                Err(StoreError::new(Kind::Credentials, address.to_string(), message))
            }
        }
    }
}

/// A store, and the same for lists.
type Connected = (Arc<dyn ObjectStore>, Option<Arc<dyn PaginatedListStore>>);

fn with_pages(store: impl ObjectStore + PaginatedListStore) -> Connected {
    let store = Arc::new(store);
    (Arc::clone(&store) as _, Some(store))
}

impl Default for Stores {
    fn default() -> Self {
        Self::new(120)
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stores").field("retry_time", &self.retry_time).finish_non_exhaustive()
    }
}

impl Client {
    /// Asks the store for something, and waits for it. It is asked again if it fails or an answer breaks off.
    pub(super) fn ask<T, F>(
        &self,
        address: &Address,
        interrupt: &Interrupt,
        request: impl Fn(Arc<dyn ObjectStore>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
    {
        let address = address.clone();
        let store = Arc::clone(&self.store);
        let mut patience = Patience::new(self.retry_time);
        let asked = async move {
            loop {
                match request(Arc::clone(&store)).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => patience.wait_after(describe(&error, &address)).await?,
                }
            }
        };
        wait(asked, interrupt)
    }
}

/// The pauses between requests that fail, and the time when there is no other.
pub(super) struct Patience {
    begin: Instant,
    pause: Duration,
    retry_time: Duration,
}

impl Patience {
    pub(super) fn new(retry_time: Duration) -> Self {
        Self { begin: Instant::now(), pause: FIRST_PAUSE, retry_time }
    }

    /// Waits before the next request, if there is one after this failure.
    pub(super) async fn wait_after(&mut self, error: StoreError) -> Result<(), StoreError> {
        if !error.is_passing() || self.begin.elapsed() + self.pause > self.retry_time {
            return Err(error.given_up());
        }
        tracing::warn!("{error}; it is asked again");
        tokio::time::sleep(self.pause).await;
        self.pause = LONGEST_PAUSE.min(2 * self.pause);
        Ok(())
    }
}

/// One client for all web addresses with the same scheme: each would read the certificates of the system again.
#[derive(Debug)]
struct SharedConnector(Scheme);

impl HttpConnector for SharedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        static CLIENTS: Mutex<Option<HashMap<Scheme, HttpClient>>> = Mutex::new(None);
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = clients.get_or_insert_default();
        if let Some(client) = clients.get(&self.0) {
            return Ok(client.clone());
        }
        let client = ReqwestConnector::default().connect(options)?;
        clients.insert(self.0, client.clone());
        Ok(client)
    }
}

/// The name of an object in the bucket of its store. A web address is a store of its own, whose object has no name.
pub(super) fn key(address: &Address) -> Result<Key, StoreError> {
    if address.scheme().is_web() {
        return Ok(Key::default());
    }
    Key::parse(address.key()).map_err(|error| {
        let message = format!("has a name that cannot be read: {error}");
        StoreError::new(Kind::Unusable, address.to_string(), message)
    })
}

/// The variables that tell how to get into a store.
pub(super) fn hint(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => {
            "credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role of the machine or its container, or for public \
             buckets AWS_SKIP_SIGNATURE=true; see also AWS_REGION and AWS_ENDPOINT_URL (profiles are not read)"
        }
        Scheme::Gs => {
            "credentials come from GOOGLE_SERVICE_ACCOUNT (a file), GOOGLE_SERVICE_ACCOUNT_KEY, GOOGLE_APPLICATION_CREDENTIALS or the \
             machine, or for public buckets GOOGLE_SKIP_SIGNATURE=true"
        }
        Scheme::Az => {
            "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_KEY or AZURE_CLIENT_ID with \
             AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or for public containers AZURE_SKIP_SIGNATURE=true"
        }
        Scheme::Https | Scheme::Http => {
            "of web servers, only files that need no credentials but those in their address can be read"
        }
    }
}

/// Runs a request and waits for it, unless the run has to stop.
pub(super) fn wait<T: Send + 'static>(
    request: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    interrupt: &Interrupt,
) -> Result<T, StoreError> {
    let runtime = runtime()?;
    let mut task = runtime.spawn(request);
    runtime.block_on(async {
        loop {
            match tokio::time::timeout(POLL, &mut task).await {
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(_)) => return Err(panicked()),
                Err(_) if interrupt.is_requested() => {
                    task.abort();
                    return Err(stopped());
                }
                Err(_) => {}
            }
        }
    })
}

/// Waits for what a task sends, unless the run has to stop. `None` if it sends nothing more.
pub(super) fn receive<T>(
    receiver: &mut tokio::sync::mpsc::Receiver<T>,
    interrupt: &Interrupt,
) -> Result<Option<T>, StoreError> {
    runtime()?.block_on(async {
        loop {
            match tokio::time::timeout(POLL, receiver.recv()).await {
                Ok(item) => return Ok(item),
                Err(_) if interrupt.is_requested() => return Err(stopped()),
                Err(_) => {}
            }
        }
    })
}

/// One thread for all requests of the program.
pub(super) fn runtime() -> Result<&'static Runtime, StoreError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let built = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).max_blocking_threads(2).thread_name("store").enable_all();
        builder.build().map_err(|error| error.to_string())
    });
    built.as_ref().map_err(|error| {
        StoreError::new(Kind::Unusable, "store", format!("cannot be read: no thread can be started: {error}"))
    })
}

pub(super) fn panicked() -> StoreError {
    StoreError::new(Kind::Unusable, "store", "cannot be read: a request panicked")
}

fn stopped() -> StoreError {
    StoreError::new(Kind::Stopped, "store", "was not read: the run was asked to stop")
}

fn retry(time: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 },
        max_retries: if time.is_zero() { 0 } else { MAX_QUICK_RETRIES },
        retry_timeout: time,
    }
}

/// The limits of connections. There is none for a request as a whole: a slow server is one that can be read.
fn limits() -> [(ClientConfigKey, String); 2] {
    [
        (ClientConfigKey::ReadTimeout, format!("{} seconds", READ_TIMEOUT.as_secs())),
        (ClientConfigKey::ConnectTimeout, format!("{} seconds", CONNECT_TIMEOUT.as_secs())),
    ]
}
