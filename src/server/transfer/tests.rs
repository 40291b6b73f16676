//! Files on their way, with ports and sockets in memory.
