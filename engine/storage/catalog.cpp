#include "engine/storage/catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "engine/base/unique_fd.h"

namespace wfe::storage {
namespace {

constexpr std::string_view kPrefix = "MANIFEST-";
// RocksDB may begin a new list between two looks at the directory.
constexpr int kTries = 10;

/// The number in MANIFEST-000042; a newer list has a higher one.
std::optional<uint64_t> NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::string NameIn(const std::string& directory) {
  std::ifstream current(directory + "/CURRENT");
  std::string name;
  std::getline(current, name);
  return NumberOf(name) ? name : "";
}

Result<CatalogMark> Look(const std::string& directory, const CatalogMark& known, bool sync) {
  for (int i = 0; i < kTries; ++i) {
    CatalogMark mark{NameIn(directory), 0};
    if (mark.name.empty()) return mark;
    const std::string path = directory + "/" + mark.name;
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.open() && errno == ENOENT) continue;
    struct stat info{};
    if (!fd.open() || ::fstat(fd.get(), &info) != 0) {
      return Unavailable("cannot look at " + path + ": " + std::strerror(errno));
    }
    mark.bytes = static_cast<uint64_t>(info.st_size);
    if (sync && mark != known && ::fdatasync(fd.get()) != 0) {
      return Unavailable("cannot sync " + path + ": " + std::strerror(errno));
    }
    return mark;
  }
  // Its name is there and it is not: a reader of the database will say so.
  return CatalogMark{};
}

}  // namespace

Result<CatalogMark> ReadCatalog(const std::string& directory) { return Look(directory, {}, /*sync=*/false); }

Result<CatalogMark> SyncCatalog(const std::string& directory, const CatalogMark& known) {
  return Look(directory, known, /*sync=*/true);
}

std::optional<std::string> FindCatalogLoss(const CatalogMark& mark, const CatalogMark& found) {
  const auto was = NumberOf(mark.name);
  const auto is = NumberOf(found.name);
  // A database whose list cannot be found at all is refused by RocksDB.
  if (!was || !is || *is > *was) return std::nullopt;
  if (*is < *was) return "its list of files is " + found.name + ", but " + mark.name + " was in use";
  if (found.bytes >= mark.bytes) return std::nullopt;
  return "its list of files, " + mark.name + ", has " + std::to_string(found.bytes) + " bytes, but " +
         std::to_string(mark.bytes) + " were durable: it no longer names all files";
}

}  // namespace wfe::storage
