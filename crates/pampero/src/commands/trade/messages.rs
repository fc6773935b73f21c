//! From the configuration to those who are told, and to what is written.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pampero_runtime::notify::{
    Channel, DeliverySettings, HeartbeatUrl, Notifier, NotifyError, Route, Severity, TelegramToken, deliver,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::TradingSection;
use crate::error::Failure;

/// Notices on their way, until this is ended.
pub(super) struct Messages {
    pub notifier: Notifier,
    end: watch::Sender<()>,
    task: JoinHandle<Result<(), NotifyError>>,
}

impl Messages {
    /// Begins to deliver. `alive` says whether the session is, for the heartbeat address.
    pub fn start(
        config: &TradingSection,
        environment: &str,
        alive: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let alive = Arc::clone(alive);
        let well: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(move || alive.load(Ordering::Relaxed));
        let notify = &config.notify;
        let least = match notify.severity.as_deref() {
            Some("info") => Severity::Info,
            Some("critical") => Severity::Critical,
            _ => Severity::Warning,
        };
        let wrong =
            |error: NotifyError| Failure::usage(error.to_string(), "correct [notify] in the configuration");
        let mut routes = Vec::new();
        if let Some(url) = &notify.webhook {
            let channel = Channel::webhook(url, notify.template.as_deref()).map_err(wrong)?;
            routes.push(Route { channel, least });
        }
        if let Some(chat) = &notify.telegram_chat {
            let file = std::env::var_os("PAMPERO_TELEGRAM_TOKEN_FILE");
            let token = TelegramToken::load(file.as_deref().map(Path::new)).map_err(wrong)?;
            let base = std::env::var("PAMPERO_TELEGRAM_URL").ok();
            let channel = Channel::telegram(token, chat, base.as_deref()).map_err(wrong)?;
            routes.push(Route { channel, least });
        }
        let mut settings = DeliverySettings::new(environment);
        if let Some(most) = notify.per_minute.and_then(|most| usize::try_from(most).ok()) {
            settings.per_window = most;
        }
        if let Some(url) = &notify.heartbeat_url {
            let every = notify.heartbeat_every.map_or(Duration::from_mins(1), |span| {
                Duration::from_nanos(u64::try_from(span.as_nanos()).unwrap_or_default())
            });
            settings.heartbeat = Some(HeartbeatUrl::new(url, every, well).map_err(wrong)?);
        }
        let notifier = Notifier::new(256);
        let (end, mut ends) = watch::channel(());
        let shutdown = async move {
            let _ = ends.changed().await; // the other end is dropped
        };
        let task = tokio::spawn(deliver(notifier.clone(), routes, settings, shutdown));
        Ok(Self { notifier, end, task })
    }

    /// Delivers what still waits.
    pub async fn end(self) {
        drop(self.end);
        match self.task.await {
            Ok(Err(error)) => tracing::warn!(%error, "notices were not delivered"),
            Err(error) => tracing::warn!(%error, "notices were not delivered"),
            Ok(Ok(())) => {}
        }
    }
}
