#include "engine/storage/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/hash.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

// A slot: checksum[8] (the first bytes of the SHA-256 of the rest), magic, U(generation), U(sequence), U(epoch),
// U(clean shutdown), T(store id), T(running hash), T(catalog's name), U(its bytes), zeros.  Older versions wrote no
// catalog: its name is empty then.  Each lies in a block of its own, so that a torn write of one
// cannot touch the other.
constexpr size_t kSlotBytes = 4096;
constexpr size_t kChecksumBytes = 8;
constexpr std::string_view kMagic = "wfeledg1";

struct Slot {
  uint64_t generation = 0;
  LedgerMark mark;
};

std::string Checksum(std::string_view bytes) { return std::string(AsBytes(Sha256(bytes)).substr(0, kChecksumBytes)); }

std::string EncodeSlot(const Slot& slot) {
  std::string body(kMagic);
  keys::AppendU64(body, slot.generation);
  keys::AppendU64(body, slot.mark.sequence);
  keys::AppendU64(body, slot.mark.epoch);
  keys::AppendU64(body, slot.mark.clean_shutdown ? 1 : 0);
  keys::AppendText(body, slot.mark.store_id);
  keys::AppendText(body, slot.mark.running_hash);
  if (!slot.mark.catalog.name.empty()) {
    keys::AppendText(body, slot.mark.catalog.name);
    keys::AppendU64(body, slot.mark.catalog.bytes);
  }
  body.resize(kSlotBytes - kChecksumBytes, '\0');
  return Checksum(body) + body;
}

std::optional<Slot> DecodeSlot(std::string_view bytes) {
  if (bytes.size() != kSlotBytes) return std::nullopt;
  std::string_view body = bytes.substr(kChecksumBytes);
  if (Checksum(body) != bytes.substr(0, kChecksumBytes) || !body.starts_with(kMagic)) return std::nullopt;
  body.remove_prefix(kMagic.size());
  Slot slot;
  slot.generation = keys::TakeU64(body).value_or(0);
  slot.mark.sequence = keys::TakeU64(body).value_or(0);
  slot.mark.epoch = keys::TakeU64(body).value_or(0);
  slot.mark.clean_shutdown = keys::TakeU64(body).value_or(0) != 0;
  slot.mark.store_id = keys::TakeText(body).value_or("");
  slot.mark.running_hash = keys::TakeText(body).value_or("");
  if (auto name = keys::TakeText(body); name && name->starts_with("MANIFEST-")) {
    slot.mark.catalog = {*std::move(name), keys::TakeU64(body).value_or(0)};
  }
  return slot;
}

Error SystemError(const std::string& what, const std::string& path) {
  if (errno == ENOSPC || errno == EDQUOT) return ResourceExhausted(what + " " + path + ": " + std::strerror(errno));
  return Unavailable(what + " " + path + ": " + std::strerror(errno));
}

struct Slots {
  std::array<std::optional<Slot>, 2> slots;
  bool empty_file = false;
};

Result<Slots> ReadSlots(int fd, const std::string& path) {
  Slots result;
  std::string bytes(2 * kSlotBytes, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read the ledger", path);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  result.empty_file = have == 0;
  for (size_t i = 0; i < 2; ++i) {
    if (have >= (i + 1) * kSlotBytes)
      result.slots[i] = DecodeSlot(std::string_view(bytes).substr(i * kSlotBytes, kSlotBytes));
  }
  return result;
}

const Slot* Newest(const Slots& slots) {
  const Slot* newest = nullptr;
  for (const auto& slot : slots.slots) {
    if (slot.has_value() && (newest == nullptr || slot->generation > newest->generation)) newest = &*slot;
  }
  return newest;
}

}  // namespace

Result<std::optional<LedgerMark>> MemoryLedger::Read() const {
  const std::lock_guard lock(mutex_);
  return mark_;
}

Status MemoryLedger::Write(const LedgerMark& mark) {
  const std::lock_guard lock(mutex_);
  mark_ = mark;
  return Ok();
}

Result<std::unique_ptr<FileLedger>> FileLedger::Open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return SystemError("cannot open the ledger", path);
  auto ledger = std::unique_ptr<FileLedger>(new FileLedger(path, std::move(fd)));
  WFE_ASSIGN_OR_RETURN(const Slots slots, ReadSlots(ledger->fd_.get(), path));
  if (const Slot* newest = Newest(slots)) ledger->generation_ = newest->generation;
  // The file's name must survive a power cut as well as its bytes.
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const UniqueFd directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open()) return SystemError("cannot open the folder of the ledger", path);
  if (::fsync(directory.get()) != 0) return SystemError("cannot sync the folder of the ledger", path);
  return ledger;
}

Result<std::optional<LedgerMark>> FileLedger::Read() const {
  WFE_ASSIGN_OR_RETURN(const Slots slots, ReadSlots(fd_.get(), path_));
  if (const Slot* newest = Newest(slots)) return std::optional(newest->mark);
  if (slots.empty_file) return std::optional<LedgerMark>();
  return DataLoss("the ledger " + path_ + " is damaged: neither of its two slots can be read");
}

Status FileLedger::Write(const LedgerMark& mark) {
  const uint64_t generation = generation_ + 1;
  const std::string bytes = EncodeSlot({generation, mark});
  const auto offset = static_cast<off_t>((generation % 2) * kSlotBytes);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError("cannot write the ledger", path_);
    done += static_cast<size_t>(put);
  }
  if (::fdatasync(fd_.get()) != 0) return SystemError("cannot sync the ledger", path_);
  generation_ = generation;
  return Ok();
}

}  // namespace wfe::storage
