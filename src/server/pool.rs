//! Rendered bytes that are waiting to be sent, and the queues that refer to them.
//!
//! What is rendered in a turn goes into a block, once for all its readers; a queue is a chain of stretches of blocks.
//! An empty queue owns nothing. Stretches that follow each other in a block are one, so a busy room costs a reader one
//! stretch a turn, whatever was said.
//!
//! Invariant: a block lives as long as a stretch refers to it, or it is the one being written.

use std::collections::BTreeMap;

use slab::Slab;

use crate::limits::{BLOCK_BYTES, BLOCKS_SPARE_MAX};

/// Some bytes of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    block: u32,
    start: u32,
    end: u32,
}

impl Stretch {
    fn bytes(self) -> u32 {
        self.end - self.start
    }

    /// Whether nothing was rendered.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Whether bytes were asked for by who gets them. Answers make a slow reader wait; events make the server drop it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// They answer what the reader asked.
    Answer,
    /// Somebody else made them.
    Event,
}

/// What waits for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    head: u32,
    tail: u32,
    /// The last node of which it has been decided whether it is shared.
    settled: u32,
    answers: u32,
    events: u32,
}

const NONE: u32 = u32::MAX;

impl Default for Queue {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, settled: NONE, answers: 0, events: 0 }
    }
}

impl Queue {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Bytes of answers that wait.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.answers as usize
    }

    /// Bytes of events that wait.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events as usize
    }

    fn count(&mut self, origin: Origin) -> &mut u32 {
        match origin {
            Origin::Answer => &mut self.answers,
            Origin::Event => &mut self.events,
        }
    }
}

#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    readers: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    stretch: Stretch,
    origin: Origin,
    next: u32,
}

/// All blocks, and the links of all queues.
#[derive(Debug)]
pub struct Pool {
    blocks: Slab<Block>,
    nodes: Slab<Node>,
    spare: Vec<Vec<u8>>,
    /// The block that is being written, which counts as a reader of it.
    current: u32,
}

impl Pool {
    /// A pool with one empty block.
    #[must_use]
    pub fn new() -> Self {
        let mut pool =
            Self { blocks: Slab::new(), nodes: Slab::new(), spare: Vec::new(), current: NONE };
        pool.current = pool.new_block();
        pool
    }

    /// Blocks that are in use, the one being written among them.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn new_block(&mut self) -> u32 {
        let bytes = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK_BYTES));
        self.blocks.insert(Block { bytes, readers: 1 }) as u32
    }

    /// Renders something, and says where it stands. It is lost unless it is put into a queue in this turn.
    pub fn write(&mut self, render: impl FnOnce(&mut Vec<u8>)) -> Stretch {
        let mut block = &mut self.blocks[self.current as usize];
        if block.bytes.len() >= BLOCK_BYTES {
            self.turn_page();
            block = &mut self.blocks[self.current as usize];
        }
        let start = block.bytes.len() as u32;
        render(&mut block.bytes);
        Stretch { block: self.current, start, end: block.bytes.len() as u32 }
    }

    /// The turn is over: what nobody waits for is overwritten by the next one.
    pub fn turn_page(&mut self) {
        let block = &mut self.blocks[self.current as usize];
        if block.readers == 1 && block.bytes.capacity() <= 2 * BLOCK_BYTES {
            block.bytes.clear();
            return;
        }
        let old = self.current;
        self.current = self.new_block();
        self.release(old);
    }

    /// Puts a stretch behind what waits in a queue.
    pub fn push(&mut self, queue: &mut Queue, stretch: Stretch, origin: Origin) {
        if stretch.bytes() == 0 {
            return;
        }
        *queue.count(origin) += stretch.bytes();
        if queue.tail != NONE {
            let tail = &mut self.nodes[queue.tail as usize];
            let follows = tail.stretch.block == stretch.block && tail.stretch.end == stretch.start;
            if follows && tail.origin == origin {
                tail.stretch.end = stretch.end;
                return;
            }
        }
        self.blocks[stretch.block as usize].readers += 1;
        let node = self.nodes.insert(Node { stretch, origin, next: NONE }) as u32;
        self.append(queue, node);
    }

    fn append(&mut self, queue: &mut Queue, node: u32) {
        if queue.tail == NONE {
            queue.head = node;
        } else {
            self.nodes[queue.tail as usize].next = node;
        }
        queue.tail = node;
    }

    /// Puts all of `from` behind what waits in `queue`.
    pub fn join(&mut self, queue: &mut Queue, from: &mut Queue) {
        if from.is_empty() {
            return;
        }
        self.append(queue, from.head);
        queue.tail = from.tail;
        queue.answers += from.answers;
        queue.events += from.events;
        *from = Queue::default();
    }

    /// What is to be sent next, at most as many slices as `slices` takes.
    pub fn gather<'p, const N: usize>(
        &'p self,
        queue: &Queue,
        slices: &mut heapless::Vec<std::io::IoSlice<'p>, N>,
    ) {
        let mut node = queue.head;
        while node != NONE {
            let Node { stretch, next, .. } = self.nodes[node as usize];
            let block = &self.blocks[stretch.block as usize];
            let bytes = &block.bytes[stretch.start as usize..stretch.end as usize];
            if slices.push(std::io::IoSlice::new(bytes)).is_err() {
                return;
            }
            node = next;
        }
    }

    /// `sent` bytes of what was gathered are with the kernel.
    pub fn advance(&mut self, queue: &mut Queue, sent: usize) {
        let mut sent = u32::try_from(sent).expect("no more is sent than waits");
        while sent > 0 {
            let node = &mut self.nodes[queue.head as usize];
            let now = sent.min(node.stretch.bytes());
            node.stretch.start += now;
            *queue.count(node.origin) -= now;
            sent -= now;
            if node.stretch.bytes() == 0 {
                self.pop(queue);
            }
        }
    }

    fn pop(&mut self, queue: &mut Queue) {
        let node = self.nodes.remove(queue.head as usize);
        if queue.settled == queue.head {
            queue.settled = NONE;
        }
        queue.head = node.next;
        if queue.head == NONE {
            queue.tail = NONE;
        }
        self.release(node.stretch.block);
    }

    /// Forgets all that waits in a queue.
    pub fn clear(&mut self, queue: &mut Queue) {
        while queue.head != NONE {
            self.pop(queue);
        }
        *queue = Queue::default();
    }

    /// What is left in a queue at the end of a turn stays for longer: stretches that are a small part of what their
    /// block holds are copied out, so that one slow reader does not keep what everybody else has long had.
    pub fn settle(&mut self, queue: &mut Queue) {
        let mut node = if queue.settled == NONE {
            queue.head
        } else {
            self.nodes[queue.settled as usize].next
        };
        while node != NONE {
            let Node { stretch, next, .. } = self.nodes[node as usize];
            let block = &self.blocks[stretch.block as usize];
            let used = stretch.bytes() as usize * block.readers as usize;
            if used * 2 < block.bytes.len() {
                self.copy_out(node);
            }
            queue.settled = node;
            node = next;
        }
    }

    fn copy_out(&mut self, node: u32) {
        let stretch = self.nodes[node as usize].stretch;
        let block = &self.blocks[stretch.block as usize];
        let bytes = block.bytes[stretch.start as usize..stretch.end as usize].to_vec();
        let end = stretch.bytes();
        let own = self.blocks.insert(Block { bytes, readers: 1 }) as u32;
        self.nodes[node as usize].stretch = Stretch { block: own, start: 0, end };
        self.release(stretch.block);
    }

    fn release(&mut self, block: u32) {
        let entry = &mut self.blocks[block as usize];
        entry.readers -= 1;
        if entry.readers == 0 {
            let mut bytes = self.blocks.remove(block as usize).bytes;
            let fits = (BLOCK_BYTES..=2 * BLOCK_BYTES).contains(&bytes.capacity());
            if fits && self.spare.len() < BLOCKS_SPARE_MAX {
                bytes.clear();
                self.spare.push(bytes);
            }
        }
    }
}

impl Pool {
    /// Whether blocks and links are exactly those that `queues`, which are all there are, refer to.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub fn audit<'q>(&self, queues: impl Iterator<Item = &'q Queue>) -> Result<(), String> {
        let mut readers = BTreeMap::from([(self.current, 1)]);
        let mut links = 0;
        for queue in queues {
            let (mut answers, mut events, mut last) = (0, 0, NONE);
            let mut at = queue.head;
            while at != NONE {
                let node =
                    self.nodes.get(at as usize).ok_or("a queue refers to a link that is gone")?;
                let block = self.blocks.get(node.stretch.block as usize);
                let whole =
                    block.is_some_and(|block| node.stretch.end as usize <= block.bytes.len());
                if !whole || node.stretch.bytes() == 0 {
                    return Err(format!(
                        "a queue refers to {:?}, which is not there",
                        node.stretch
                    ));
                }
                match node.origin {
                    Origin::Answer => answers += node.stretch.bytes(),
                    Origin::Event => events += node.stretch.bytes(),
                }
                *readers.entry(node.stretch.block).or_insert(0) += 1;
                links += 1;
                last = at;
                at = node.next;
            }
            if (answers, events, last) != (queue.answers, queue.events, queue.tail) {
                return Err(format!("a queue of {answers} and {events} bytes says {queue:?}"));
            }
        }
        let counted = self.blocks.iter().map(|(index, block)| (index as u32, block.readers));
        if !counted.eq(readers) || links != self.nodes.len() {
            return Err("blocks or links that no queue refers to".into());
        }
        Ok(())
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pool: &mut Pool, text: &str) -> Stretch {
        pool.write(|out| out.extend_from_slice(text.as_bytes()))
    }

    fn waiting(pool: &Pool, queue: &Queue) -> (String, usize) {
        let mut slices = heapless::Vec::<_, 64>::new();
        pool.gather(queue, &mut slices);
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        (String::from_utf8(bytes).unwrap(), slices.len())
    }

    #[test]
    fn what_follows_in_a_block_is_one_stretch_and_shared() {
        let mut pool = Pool::new();
        let mut queues = [Queue::default(); 3];
        for text in ["one ", "two ", "three"] {
            let stretch = write(&mut pool, text);
            for queue in &mut queues {
                pool.push(queue, stretch, Origin::Event);
            }
        }
        for queue in &mut queues {
            assert_eq!(waiting(&pool, queue), ("one two three".to_owned(), 1));
            assert_eq!(queue.events(), 13);
            pool.advance(queue, 6);
            assert_eq!(waiting(&pool, queue), ("o three".to_owned(), 1));
            pool.advance(queue, 7);
            assert!(queue.is_empty() && queue.events() == 0);
        }
        assert_eq!((pool.blocks(), pool.nodes.len()), (1, 0));
    }

    #[test]
    fn answers_and_events_are_counted_apart() {
        let mut pool = Pool::new();
        let mut queue = Queue::default();
        for (text, origin) in
            [("ab", Origin::Answer), ("cde", Origin::Event), ("f", Origin::Answer)]
        {
            let stretch = write(&mut pool, text);
            pool.push(&mut queue, stretch, origin);
        }
        assert_eq!((queue.answers(), queue.events()), (3, 3));
        assert_eq!(waiting(&pool, &queue), ("abcdef".to_owned(), 3));
        pool.advance(&mut queue, 4);
        assert_eq!((queue.answers(), queue.events()), (1, 1));
        pool.clear(&mut queue);
        assert_eq!(pool.nodes.len(), 0);
    }

    #[test]
    fn a_block_is_reused_when_its_last_reader_has_it() {
        let mut pool = Pool::new();
        let mut slow = Queue::default();
        let stretch = write(&mut pool, "x");
        pool.push(&mut slow, stretch, Origin::Event);
        pool.turn_page();
        assert_eq!(pool.blocks(), 2);
        pool.advance(&mut slow, 1);
        assert_eq!((pool.blocks(), pool.spare.len()), (1, 1));
        pool.turn_page();
        assert_eq!((pool.blocks(), pool.spare.len()), (1, 1));
    }

    #[test]
    fn a_slow_reader_keeps_its_own_bytes_and_not_the_block() {
        let mut pool = Pool::new();
        let mut slow = Queue::default();
        write(&mut pool, &"other ".repeat(100));
        let stretch = write(&mut pool, "mine");
        pool.push(&mut slow, stretch, Origin::Event);
        pool.settle(&mut slow);
        pool.turn_page();
        let stretch = write(&mut pool, " and more");
        pool.push(&mut slow, stretch, Origin::Event);
        pool.settle(&mut slow);
        assert_eq!(waiting(&pool, &slow), ("mine and more".to_owned(), 2));
        let held: usize = pool.blocks.iter().map(|(_, block)| block.bytes.len()).sum();
        assert_eq!(held, 4 + 9);
    }

    #[test]
    fn many_slow_readers_of_one_message_share_it() {
        let mut pool = Pool::new();
        let mut queues = [Queue::default(); 50];
        write(&mut pool, &"other ".repeat(100));
        let stretch = write(&mut pool, "everybody's message");
        for queue in &mut queues {
            pool.push(queue, stretch, Origin::Event);
        }
        for queue in &mut queues {
            pool.settle(queue);
        }
        assert_eq!(pool.blocks(), 1);
    }
}
