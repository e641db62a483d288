// The parts of ExtractPermitFacts, each in a file of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/packaged/permits/facts.h"
#include "activities/packaged/permits/passages.h"

namespace wfe::packaged {

/// Of each kind and document; more is no permit, and would be no report.
inline constexpr size_t kMaxFacts = 500;

/// Where a passage stands; its text is cut where it is very long.
Place PlaceOf(const Passage& passage);

void ExtractValues(const std::vector<Passage>& passages, PermitFacts& facts);
void ExtractDeadlines(const std::vector<Passage>& passages, PermitFacts& facts);
void ExtractGaps(const std::vector<Passage>& passages, PermitFacts& facts);

}  // namespace wfe::packaged
