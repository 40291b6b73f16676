//! Opens a house and its store from a disk in memory, as the program does from a directory.

use mecd::config::Config;
use mecd::core::{House, Record};
use mecd::server::{core_place, store_place};
use mecd::store::key::Key;
use mecd::store::memory::MemoryDisk;
use mecd::store::{Options, Rejected, Shape, Store, open_shaped};

/// A house in which everything is true that the disk has kept, and the store in which it stands.
pub(crate) fn open(
    config: &Config,
    disk: &MemoryDisk,
    options: Options,
    shape: Shape,
) -> Result<(House, Store), String> {
    let key = Key::parse("0123456789abcdef0123456789abcdef").expect("32 digits are a key");
    let mut house = House::new(config.settings.clone());
    let mut visit = |place, bytes: &[u8]| {
        let record = Record::decode(bytes).map_err(|_| Rejected)?;
        house.apply(&record, core_place(place));
        Ok(())
    };
    let opened = open_shaped(Box::new(disk.clone()), &key, options, shape, &mut visit);
    let (mut store, _) = opened.map_err(|error| format!("the log does not open: {error}"))?;
    for place in house.open() {
        store.retire(store_place(place));
    }
    Ok((house, store))
}
