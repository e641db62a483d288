// What `--follow` says of the steps of an audited build, from the entries that its history logs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

namespace wfe::cli {

/// Tells each entry once and adds up its tokens once, however often the build offers it: one that moved to another
/// host logs its entries there again (RW-D2).
class StepTeller {
 public:
  /// One line for `input`, a logAuditEntry activity's; nullopt: no entry, or told already.
  std::optional<std::string> Tell(const nlohmann::json& input);
  int64_t tokens() const { return tokens_; }

 private:
  std::set<std::string> told_;  // ext.entry_id
  int64_t tokens_ = 0;
};

}  // namespace wfe::cli
