//! Every kind of record, written and read back.

use super::*;

fn samples() -> Vec<Record<'static>> {
    let mut samples = facts();
    samples.extend(lines());
    samples.extend(of_an_account());
    samples
}

fn lines() -> [Record<'static>; 2] {
    let bob = UserName::new("bob").unwrap();
    [
        Record::Line {
            room: 0,
            line: 1,
            time: 1_800_000_000,
            sender: bob.clone(),
            text: "hi",
            stamp: None,
        },
        Record::Line {
            room: 0,
            line: 2,
            time: 1_800_000_000,
            sender: bob,
            text: "hi",
            stamp: Some("today"),
        },
    ]
}

fn of_an_account() -> [Record<'static>; 6] {
    let (to, room) = (PersonNo(300), ItemName::new("chess club").unwrap());
    let sender = Owner { person: PersonNo(7), name: UserName::new("bob").unwrap() };
    [
        Record::Joined { room: 0, person: to },
        Record::Parted { room: 129, person: to },
        Record::Nickname { person: to, nickname: "Bob B." },
        Record::Letter { to, no: 1, time: 1_800_000_000, sender: sender.clone(), text: "hi" },
        Record::Invitation { to, no: 2, time: 1_800_000_000, sender, room },
        Record::LettersGiven { to, before: 3 },
    ]
}

fn facts() -> Vec<Record<'static>> {
    let bob = UserName::new("bob").unwrap();
    let owner = Owner { person: PersonNo(7), name: bob.clone() };
    let name = ItemName::new("chess club").unwrap();
    let clear = Secret::Recoverable("geheim");
    vec![
        Record::Account {
            person: PersonNo(300),
            name: bob.clone(),
            secret: clear,
            real_name: "Bob B",
            email: "b@b",
        },
        Record::Password {
            person: PersonNo(1),
            secret: Secret::Hashed { salt: [1; 16], hash: [2; 32] },
        },
        Record::AccountRemoved { person: PersonNo(u32::MAX) },
        Record::Room {
            no: 1,
            name: name.clone(),
            owner: owner.clone(),
            password: "",
            admits: Admits::Registered,
            lifetime: Lifetime::Long,
            idle_since: Some(0),
        },
        Record::RoomIdle { no: 9, since: None },
        Record::RoomRemoved { no: 9 },
        Record::Group {
            no: 2,
            name: name.clone(),
            owner: owner.clone(),
            password: "pw",
            admits: Admits::Anonymous,
            deadline: u64::MAX,
            next_message: 5,
        },
        Record::GroupRemoved { no: 2 },
        Record::Message {
            group: 2,
            id: 128,
            parent: 127,
            name,
            poster: owner,
            deadline: 0,
            parts: 2,
            text: "a\n\n",
        },
        Record::MessageRemoved { group: 2, id: 128 },
        Record::Counters(Counters {
            clock: 1,
            stamps: 2,
            next_person: 3,
            next_room: 4,
            next_group: 5,
        }),
    ]
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

#[test]
fn every_kind_of_record_reads_back_as_written() {
    for record in samples() {
        let bytes = encoded(&record);
        let again = Record::decode(&bytes).unwrap();
        assert_eq!(encoded(&again), bytes, "{record:?}");
    }
}

#[test]
fn a_record_cut_before_its_text_is_malformed_and_never_a_panic() {
    for record in samples() {
        let bytes = encoded(&record);
        for cut in 0..bytes.len() {
            let _ = Record::decode(&bytes[..cut]);
        }
        let mut longer = bytes.clone();
        longer.push(0xff);
        assert_eq!(Record::decode(&longer).err(), Some(Malformed), "{record:?}");
    }
}

#[test]
fn a_posted_message_costs_less_than_a_hundred_bytes_beside_its_text() {
    let owner = Owner { person: PersonNo(100_000), name: UserName::new(&"n".repeat(12)).unwrap() };
    let record = Record::Message {
        group: 1000,
        id: 100_000,
        parent: 99_999,
        name: ItemName::new(&"x".repeat(20)).unwrap(),
        poster: owner,
        deadline: 365 * 86_400_000,
        parts: 100,
        text: "",
    };
    let seal = 4 + 16;
    assert!(encoded(&record).len() + seal <= 100, "{}", encoded(&record).len());
}
