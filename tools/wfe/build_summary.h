// How a build is told to a person.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/wfe/build_record.h"

namespace wfe::cli {

/// "12,345".
/// "checks decide by their exit code alone: a, b; …": how little a pass of these says.
std::string EvidenceLine(const std::vector<std::string>& checks);

std::string GroupedNumber(int64_t number);
/// "$0.0131"; "-" when nothing is known.
std::string Dollars(std::optional<Money> amount);
/// 0.0131: as much as a person can tell apart, for JSON too.
double RoundedDollars(Money amount);

/// "passed after 1 fix attempt · 7,012 tokens · $0.0131".
std::string OneLine(const BuildRecord& build);
/// Where the result is and what to do with it, a line each.
std::vector<std::string> NextSteps(const BuildRecord& build);

nlohmann::ordered_json BuildObject(const BuildRecord& build);
/// All of `wfe build show`.
std::string BuildPage(const BuildRecord& build, size_t width);

}  // namespace wfe::cli
