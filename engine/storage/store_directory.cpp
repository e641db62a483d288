// A store in a folder of its own: who may look at it, and what lies where.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/storage/rocks_key_value_store.h"
#include "engine/storage/store.h"

namespace wfe::storage {

namespace {

constexpr std::string_view kDatabaseFolder = "/db";
constexpr std::string_view kLedgerFile = "/ledger";

Status PrepareFolder(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (::mkdir(path.c_str(), 0700) == 0) return Ok();
  if (errno == ENOSPC || errno == EDQUOT) {
    return ResourceExhausted("cannot make the folder " + path + ": " + std::strerror(errno));
  }
  if (errno != EEXIST) return Unavailable("cannot make the folder " + path + ": " + std::strerror(errno));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return Unavailable("cannot look at " + path + ": " + std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) return FailedPrecondition(path + " is not a folder");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return FailedPrecondition("others may write to the folder " + path + "; take that away first: chmod go-w " + path);
  }
  return Ok();
}

/// Before the database is opened: RocksDB deletes the files that its list does not name.
Status CheckCatalog(const std::string& directory, StoreOptions& options) {
  const std::string path = directory + std::string(kLedgerFile);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Ok();
  WFE_ASSIGN_OR_RETURN(const auto ledger, FileLedger::Open(path));
  const auto mark = ledger->Read();
  if (!mark || !mark->has_value()) return Ok();  // Open says what that means
  WFE_ASSIGN_OR_RETURN(const CatalogMark found, ReadCatalog(directory + std::string(kDatabaseFolder)));
  const auto loss = FindCatalogLoss((*mark)->catalog, found);
  if (!loss.has_value()) return Ok();
  const uint64_t sequence = (*mark)->sequence;
  if (options.accept_data_loss != sequence) {
    return DataLoss(options.name + " has lost data: " + *loss +
                    ". Restore a backup, or go on with what is left: --accept-data-loss=" + std::to_string(sequence));
  }
  options.accepted_loss = *loss;
  return Ok();
}

}  // namespace

Result<std::unique_ptr<Store>> Store::OpenDirectory(const std::string& directory, StoreOptions options) {
  WFE_RETURN_IF_ERROR(PrepareFolder(directory));
  WFE_RETURN_IF_ERROR(PrepareFolder(directory + std::string(kDatabaseFolder)));
  options.name = "the store in " + directory;
  WFE_RETURN_IF_ERROR(CheckCatalog(directory, options));
  // RocksDB's lock comes before the ledger is written: it has one writer.
  WFE_ASSIGN_OR_RETURN(auto kv, RocksKeyValueStore::Open(directory + std::string(kDatabaseFolder)));
  WFE_ASSIGN_OR_RETURN(auto ledger, FileLedger::Open(directory + std::string(kLedgerFile)));
  return Open(std::move(kv), std::move(ledger), std::move(options));
}

Result<std::unique_ptr<KeyValueReader>> Store::OpenDirectoryReadOnly(const std::string& directory) {
  WFE_ASSIGN_OR_RETURN(auto kv, RocksKeyValueStore::OpenReadOnly(directory + std::string(kDatabaseFolder)));
  return std::unique_ptr<KeyValueReader>(std::move(kv));
}

}  // namespace wfe::storage
