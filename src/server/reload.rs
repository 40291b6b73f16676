//! Taking another configuration while serving (SIGHUP): all of it or nothing, and nobody is disconnected.

use std::io;

use log::{error, info, warn};

use crate::config::Config;
use crate::core::Now;
use crate::server::{Life, Listener, Server, ServerError, does_without, raise_descriptor_limit};

/// What became of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reloaded {
    Taken,
    /// Nothing has changed, and why is in the log.
    Refused,
}

impl Server {
    /// Reads the configuration again, and tells the service manager when that begins and how it ends.
    pub(super) fn reload(&mut self, now: Now) -> Result<(), ServerError> {
        // Who stops has closed its listeners, and opens no others.
        if self.life != Life::Serving {
            return Ok(());
        }
        self.notifier.reloading();
        let remark = match self.reload_config(now)? {
            Reloaded::Taken => None,
            Reloaded::Refused => Some("; the configuration is not changed, the log says why"),
        };
        self.report_ready(now, remark);
        Ok(())
    }

    fn reload_config(&mut self, now: Now) -> Result<Reloaded, ServerError> {
        let Some(mut config) = (self.reload_from)() else { return Ok(Reloaded::Refused) };
        config.connections = raise_descriptor_limit(config.connections, &config.listen);
        match self.open_new_listeners(&config) {
            Ok(opened) => self.adopt(now, config, opened),
            Err(ServerError::Listen(_, error)) if error.kind() == io::ErrorKind::AddrInUse => {
                self.change_places(now, config)
            }
            Err(error) => {
                error!("the configuration is not changed: {error}");
                Ok(Reloaded::Refused)
            }
        }
    }

    /// A listener that goes may be what stands in the way of one that comes: it is closed first, and opened again if
    /// that did not help.
    fn change_places(&mut self, now: Now, config: Config) -> Result<Reloaded, ServerError> {
        let going = self.listeners.iter();
        let going = going.filter(|(_, listener)| !is_wanted(&config, listener));
        let going: Vec<usize> = going.map(|(key, _)| key).collect();
        let closed = going.into_iter().map(|key| self.listeners.remove(key));
        let closed: Vec<_> = closed.map(|it| (it.service, it.wanted, it.address)).collect();
        match self.open_new_listeners(&config) {
            Ok(opened) => return self.adopt(now, config, opened),
            Err(error) => error!("the configuration is not changed: {error}"),
        }
        for (service, wanted, address) in closed {
            match Listener::open(service, address) {
                Ok(listener) => self.add_listener(Listener { wanted, ..listener })?,
                Err(error) => error!("{}", ServerError::Listen(address, error)),
            }
        }
        Ok(Reloaded::Refused)
    }

    /// Opens what is wanted and not open yet. If one cannot be had, none is.
    fn open_new_listeners(&self, config: &Config) -> Result<Vec<Listener>, ServerError> {
        let open: Vec<_> = self.listeners().map(|it| (it.service, it.wanted)).collect();
        let wanted = config.listen.all().filter(|listener| !open.contains(listener));
        let opened =
            wanted.map(|(service, address)| (service, address, Listener::open(service, address)));
        opened
            .filter_map(|(service, address, result)| match result {
                Ok(listener) => Some(Ok(listener)),
                Err(error) if does_without(&config.listen, service, address, &error) => {
                    warn!("not listening on {address}: {error}");
                    None
                }
                Err(error) => Some(Err(ServerError::Listen(address, error))),
            })
            .collect()
    }

    fn adopt(
        &mut self,
        now: Now,
        config: Config,
        opened: Vec<Listener>,
    ) -> Result<Reloaded, ServerError> {
        self.listeners.retain(|_, listener| is_wanted(&config, listener));
        for listener in opened {
            info!("listening {} {}", listener.service, listener.address);
            self.add_listener(listener)?;
        }
        let current = self.hub.config();
        if config.key_file != current.key_file || config.data_dir != current.data_dir {
            warn!("another data directory or key file is used after a restart only");
        }
        self.hub.configure(now, config);
        info!("the configuration was read again");
        Ok(Reloaded::Taken)
    }
}

fn is_wanted(config: &Config, listener: &Listener) -> bool {
    config.listen.of(listener.service).contains(&listener.wanted)
}
