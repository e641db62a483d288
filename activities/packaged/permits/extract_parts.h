// The parts of ExtractPermitFacts, each in a file of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/packaged/permits/facts.h"
#include "activities/packaged/permits/passages.h"

namespace wfe::packaged {

/// Where a passage stands; its text is cut where it is very long.
Place PlaceOf(const Passage& passage);

void ExtractValues(const std::vector<Passage>& passages, PermitFacts& facts);
void ExtractDeadlines(const std::vector<Passage>& passages, PermitFacts& facts);
void ExtractGaps(const std::vector<Passage>& passages, PermitFacts& facts);

}  // namespace wfe::packaged
