//! The memory store keeps the contract that other stores are held to.

use throng_testkit::memory::MemoryStore;
use throng_testkit::store_contract;

store_contract!(memory, || async { MemoryStore::new() });
