#include "tests/support/row_dump.h"

#include <sstream>

#include "engine/base/hash.h"

namespace wfe::testing {
namespace {

std::string Hex(std::string_view bytes) { return bytes.empty() ? "-" : ToHex(bytes); }

std::string Unhex(const std::string& hex) {
  std::string bytes;
  if (hex == "-") return bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

std::string DumpRows(const storage::KeyValueReader& rows, const storage::LedgerMark& mark, Instant now) {
  std::ostringstream out;
  out << "clock " << now.time_since_epoch().count() << "\n";
  out << "ledger " << mark.store_id << " " << mark.sequence << " " << Hex(mark.running_hash) << " " << mark.epoch
      << "\n";
  for (int i = 0; i < storage::kFamilyCount; ++i) {
    const auto family = static_cast<storage::Family>(i);
    auto cursor = rows.Scan(family, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      out << storage::FamilyName(family) << " " << Hex(cursor->key()) << " " << Hex(cursor->value()) << "\n";
    }
    WFE_CHECK(cursor->Finish().has_value());
  }
  return out.str();
}

Result<Instant> LoadRows(const std::string& text, storage::KeyValueStore& rows, storage::Ledger& ledger) {
  std::istringstream in(text);
  Instant now{};
  storage::WriteSet set;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, first, second;
    words >> name >> first >> second;
    if (name == "clock") {
      now = Instant(Duration(std::stoll(first)));
      continue;
    }
    if (name == "ledger") {
      storage::LedgerMark mark{first, std::stoull(second), {}, 0, false};
      std::string hash;
      words >> hash >> mark.epoch;
      mark.running_hash = Unhex(hash);
      WFE_RETURN_IF_ERROR(ledger.Write(mark));
      continue;
    }
    bool known = false;
    for (int i = 0; i < storage::kFamilyCount && !known; ++i) {
      const auto family = static_cast<storage::Family>(i);
      if (storage::FamilyName(family) != name) continue;
      set.puts.push_back({family, Unhex(first), Unhex(second)});
      known = true;
    }
    if (!known) return InvalidArgument("no family is called " + name);
  }
  WFE_RETURN_IF_ERROR(rows.Write({&set}, true));
  return now;
}

}  // namespace wfe::testing
