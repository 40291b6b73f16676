//! The program: arguments, the store opened, listeners, the loop.

use std::io::Write;
use std::process::ExitCode;

use log::{info, warn};
use mecd::admin;
use mecd::args::{self, Common, EXIT_USAGE, Invocation};
use mecd::config::{self, Config, Environment};
use mecd::server::{
    Listener, Notifier, Server, ServerError, Signals, does_without, raise_descriptor_limit,
};
use rustix::process::{Resource, Rlimit, setrlimit};

fn main() -> ExitCode {
    let invocation = match args::parse(std::env::args_os().skip(1)) {
        Ok(invocation) => invocation,
        Err(error) => {
            say_error(&error);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match carry_out(invocation) {
        Ok(status) => status,
        Err(sentence) => {
            say_error(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked for; the error is a sentence for the administrator.
fn carry_out(invocation: Invocation) -> Result<ExitCode, String> {
    let done = match invocation {
        Invocation::Serve(common) => serve(common),
        Invocation::Check(common) => {
            load(&common)?;
            say("no faults\n")
        }
        Invocation::Config(common) => {
            let mut config = load(&common)?;
            config.resolve(common.data_dir.as_deref(), &Environment::read());
            say(&config.to_toml())
        }
        Invocation::Key { common, command } => {
            let config = load(&common)?;
            say(&admin::key(&config, common.data_dir.as_deref(), &command)?)
        }
        Invocation::Account { common, command } => {
            let config = load(&common)?;
            say(&admin::account(config, common.data_dir.as_deref(), &command)?)
        }
        Invocation::Export { common, file } => {
            admin::export(load(&common)?, common.data_dir.as_deref(), file.as_deref())
        }
        Invocation::Import { common, file } => {
            admin::import(load(&common)?, common.data_dir.as_deref(), &file)
        }
        Invocation::Version => say(&format!("{}\n", args::VERSION)),
        Invocation::Help => say(&args::help()),
        Invocation::Doctor(common) => return doctor(&common),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn doctor(common: &Common) -> Result<ExitCode, String> {
    let config = config::load(common.config.as_deref(), &common.set, &common.listen);
    let diagnosis = admin::doctor(config, common.data_dir.as_deref());
    say(&diagnosis.text(common.verbosity))?;
    Ok(ExitCode::from(diagnosis.status()))
}

/// Reads the configuration; the error has one line for each fault.
fn load(common: &Common) -> Result<Config, String> {
    config::load(common.config.as_deref(), &common.set, &common.listen).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

fn serve(common: Common) -> Result<(), String> {
    // First of all: opening a long log takes its time, and none of them may end the program meanwhile.
    let signals = Signals::listen().map_err(|error| error.to_string())?;
    let mut config = load(&common)?;
    admin::init_logging(common.verbosity);
    forbid_core_dumps();
    let mut notifier = Notifier::new(&Environment::read());
    notifier.starting("Opening the data directory");
    config.connections = raise_descriptor_limit(config.connections, &config.listen);
    let (house, store) = admin::open(&config, common.data_dir.as_deref())?;
    let listeners = listen(&config).map_err(|error| error.to_string())?;
    let reload = Box::new(move || {
        load(&common)
            .inspect_err(|faults| log::error!("the configuration is not changed: {faults}"))
            .ok()
    });
    let server = Server::new(config, house, store, listeners, signals, reload)
        .map_err(|error| error.to_string())?
        .with_notifier(notifier);
    let mut lines = String::new();
    for listener in server.listeners() {
        lines.push_str(&format!("listening {} {}\n", listener.service, listener.address));
    }
    // Users come whether or not somebody reads where to.
    if let Err(error) = say(&lines) {
        warn!("{error}");
    }
    info!("{} is up", args::VERSION);
    server.run().map_err(|error| error.to_string())
}

/// Passwords and the key are in memory: they must not end up in a file of the system's.
fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        warn!("core dumps stay as the system has them: {error}");
    }
}

/// Opens all listeners. Of the built-in ones, IPv6 may be missing: not every board has it switched on.
fn listen(config: &Config) -> Result<Vec<Listener>, ServerError> {
    let mut listeners = Vec::new();
    for (service, address) in config.listen.all() {
        match Listener::open(service, address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if does_without(&config.listen, service, address, &error) => {
                warn!("not listening on {address}: {error}");
            }
            Err(error) => return Err(ServerError::Listen(address, error)),
        }
    }
    Ok(listeners)
}

/// Writes to standard output, where scripts read.
fn say(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

fn say_error(sentence: &impl std::fmt::Display) {
    // There is nobody left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{sentence}");
}
