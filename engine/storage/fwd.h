// Forward declarations of wfe::storage.
#pragma once

namespace wfe::storage {

class CommitStage;
class Cursor;
class DurableExecutionStore;
class ExecutionReader;
class ExecutionStore;
class KeyValueReader;
class KeyValueStore;
class Ledger;
class MemoryKeyValueStore;
class NamespaceStore;
class Store;
struct CommitPosition;
struct ExecutionCommit;
struct StoreIdentity;
struct WriteSet;

}  // namespace wfe::storage
