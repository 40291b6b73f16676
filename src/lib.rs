//! mecd: a campus chat server for small hardware.
//!
//! ```text
//! socket ─read─▶ dialect.decode ─Command─▶ house.handle(now, session, command, &mut outbox)
//!                                              │ facts                    │ answers, events
//!                                              ▼                          ▼
//!                                         store.append              post: rendered once per dialect,
//!                                              │                    one reference into each queue
//! end of turn:  house.tick ▶ store.commit ▶ flush every touched socket ▶ close the condemned
//! ```
//!
//! | module | what it is | imports |
//! | --- | --- | --- |
//! | [`limits`] | every bound, with its reason | nothing |
//! | [`core`] | the house: all that is known and decided, without sockets, files or clocks | `limits` |
//! | [`store`] | sealed records in flat files | `limits` |
//! | [`dialect`] | protocols: bytes to commands, answers and events to bytes | `core` |
//! | [`config`] | options | `core::settings` |
//! | [`args`] | the command line | `config` |
//! | [`admin`] | commands on a data directory, and opening it | all but `server`'s loop |
//! | [`server`] | the loop: the only module that knows mio | all of these |

pub mod admin;
pub mod args;
pub mod config;
pub mod core;
pub mod dialect;
pub mod limits;
pub mod server;
pub mod store;
